//! Finds addresses and versions in an answer, and puts others in their place. What is not
//! understood stays as it is, byte for byte.

use std::ops::Range;

use super::{Api, Awaited};
use crate::spec::HostPort;

/// The answer does not have the form that its version has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Kafka's error code for a version that a broker does not know.
const UNSUPPORTED_VERSION: i16 = 35;

type Read<T> = Result<T, Unreadable>;

/// An address in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) address: HostPort,
    /// The host with its length, the port right behind it.
    place: Range<usize>,
}

/// The addresses in an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) spots: Vec<Spot>,
    /// Hosts have lengths of the compact form.
    flexible: bool,
    /// The tagged field that holds them all, where one does: its length, and itself.
    field: Option<(Range<usize>, Range<usize>)>,
}

/// The addresses in `answer`, which begins with its correlation number.
pub(crate) fn addresses(awaited: Awaited, answer: &[u8]) -> Read<Addresses> {
    let version = awaited.version;
    if awaited.api.last_version().is_none_or(|last| version > last) {
        return Err(Unreadable);
    }
    let mut walk = Walk::new(answer);
    walk.flexible = match awaited.api {
        Api::METADATA => version >= 9,
        Api::FIND_COORDINATOR => version >= 3,
        _ => true,
    };
    walk.skip(4)?;
    walk.tags()?;
    let mut found = Addresses {
        flexible: walk.flexible,
        ..Addresses::default()
    };
    match awaited.api {
        Api::METADATA => metadata(&mut walk, version, &mut found)?,
        Api::FIND_COORDINATOR => coordinators(&mut walk, version, &mut found)?,
        Api::DESCRIBE_CLUSTER => cluster(&mut walk, version, &mut found)?,
        Api::PRODUCE => {
            produce(&mut walk, version)?;
            endpoints(&mut walk, &mut found)?;
        }
        Api::FETCH => {
            fetch(&mut walk)?;
            endpoints(&mut walk, &mut found)?;
        }
        _ => return Err(Unreadable),
    }
    Ok(found)
}

fn metadata(walk: &mut Walk<'_>, version: i16, found: &mut Addresses) -> Read<()> {
    if version >= 3 {
        walk.skip(4)?;
    }
    for _ in 0..walk.count()? {
        walk.skip(4)?;
        found.spots.push(walk.spot()?);
        if version >= 1 {
            walk.string()?;
        }
        walk.tags()?;
    }
    Ok(())
}

fn coordinators(walk: &mut Walk<'_>, version: i16, found: &mut Addresses) -> Read<()> {
    if version >= 1 {
        walk.skip(4)?;
    }
    if version >= 4 {
        for _ in 0..walk.count()? {
            walk.string()?;
            walk.skip(4)?;
            found.spots.push(walk.spot()?);
            walk.skip(2)?;
            walk.string()?;
            walk.tags()?;
        }
        return Ok(());
    }
    walk.skip(2)?;
    if version >= 1 {
        walk.string()?;
    }
    walk.skip(4)?;
    found.spots.push(walk.spot()?);
    Ok(())
}

fn cluster(walk: &mut Walk<'_>, version: i16, found: &mut Addresses) -> Read<()> {
    walk.skip(4 + 2)?;
    walk.string()?;
    if version >= 1 {
        walk.skip(1)?;
    }
    walk.string()?;
    walk.skip(4)?;
    for _ in 0..walk.count()? {
        walk.skip(4)?;
        found.spots.push(walk.spot()?);
        walk.string()?;
        if version >= 2 {
            walk.skip(1)?;
        }
        walk.tags()?;
    }
    Ok(())
}

/// Goes past all of a Produce answer but its tagged fields.
fn produce(walk: &mut Walk<'_>, version: i16) -> Read<()> {
    for _ in 0..walk.count()? {
        match version {
            13.. => walk.skip(16)?,
            _ => walk.string()?,
        }
        for _ in 0..walk.count()? {
            walk.skip(4 + 2 + 8 + 8 + 8)?;
            for _ in 0..walk.count()? {
                walk.skip(4)?;
                walk.string()?;
                walk.tags()?;
            }
            walk.string()?;
            walk.tags()?;
        }
        walk.tags()?;
    }
    walk.skip(4)
}

/// Goes past all of a Fetch answer but its tagged fields.
fn fetch(walk: &mut Walk<'_>) -> Read<()> {
    walk.skip(4 + 2 + 4)?;
    for _ in 0..walk.count()? {
        walk.skip(16)?;
        for _ in 0..walk.count()? {
            walk.skip(4 + 2 + 8 + 8 + 8)?;
            for _ in 0..walk.count()? {
                walk.skip(8 + 8)?;
                walk.tags()?;
            }
            walk.skip(4)?;
            // Records have a length of the same form as a string.
            walk.string()?;
            walk.tags()?;
        }
        walk.tags()?;
    }
    Ok(())
}

/// The node endpoints, which are the first tagged field.
fn endpoints(walk: &mut Walk<'_>, found: &mut Addresses) -> Read<()> {
    for _ in 0..walk.uvarint()? {
        let tag = walk.uvarint()?;
        let start = walk.at;
        let length = walk.uvarint()? as usize;
        let size = start..walk.at;
        let body = walk.at..walk.at.saturating_add(length);
        if tag == 0 {
            for _ in 0..walk.count()? {
                walk.skip(4)?;
                found.spots.push(walk.spot()?);
                walk.string()?;
                walk.tags()?;
            }
            if walk.at != body.end {
                return Err(Unreadable);
            }
            found.field = Some((size, body));
        } else {
            walk.skip(length)?;
        }
    }
    Ok(())
}

impl Addresses {
    /// `answer` with other addresses in the places of these, one for each.
    pub(crate) fn replace(&self, answer: &[u8], by: &[HostPort]) -> Vec<u8> {
        let Some((size, body)) = &self.field else {
            return self.write(answer, by, 0..answer.len());
        };
        let mut written = Vec::with_capacity(answer.len() + 64);
        let field = self.write(answer, by, body.clone());
        written.extend_from_slice(&answer[..size.start]);
        put_uvarint(&mut written, field.len());
        written.extend_from_slice(&field);
        written.extend_from_slice(&answer[body.end..]);
        written
    }

    fn write(&self, answer: &[u8], by: &[HostPort], part: Range<usize>) -> Vec<u8> {
        let mut written = Vec::with_capacity(part.len() + 64);
        let mut at = part.start;
        for (spot, HostPort { host, port }) in self.spots.iter().zip(by) {
            written.extend_from_slice(&answer[at..spot.place.start]);
            if self.flexible {
                put_uvarint(&mut written, host.len() + 1);
            } else {
                let length = i16::try_from(host.len()).unwrap_or(i16::MAX);
                written.extend_from_slice(&length.to_be_bytes());
            }
            written.extend_from_slice(host.as_bytes());
            written.extend_from_slice(&i32::from(*port).to_be_bytes());
            at = spot.place.end;
        }
        written.extend_from_slice(&answer[at..part.end]);
        written
    }
}

/// `answer`, an ApiVersions one, with no version offered whose answers could not be read here.
pub(crate) fn capped(version: i16, answer: &[u8]) -> Read<Vec<u8>> {
    let mut walk = Walk::new(answer);
    walk.skip(4)?;
    // A broker that does not know the version asked for says so in the oldest form.
    walk.flexible = walk.i16()? != UNSUPPORTED_VERSION && version >= 3;
    let mut written = answer.to_vec();
    for _ in 0..walk.count()? {
        let api = Api(walk.i16()?);
        let first = walk.i16()?;
        let place = walk.at..walk.at + 2;
        let last = walk.i16()?;
        if let Some(readable) = api.last_version() {
            let capped = last.min(readable);
            if capped < first {
                return Err(Unreadable);
            }
            written[place].copy_from_slice(&capped.to_be_bytes());
        }
        walk.tags()?;
    }
    Ok(written)
}

fn put_uvarint(bytes: &mut Vec<u8>, value: usize) {
    let mut value = u32::try_from(value).unwrap_or(u32::MAX);
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Goes through a message, field by field.
#[derive(Debug, Clone)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Lengths are compact, and structures end with tagged fields.
    pub(crate) flexible: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            flexible: false,
        }
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or(Unreadable)?;
        let taken = self.bytes.get(self.at..end).ok_or(Unreadable)?;
        self.at = end;
        Ok(taken)
    }

    fn skip(&mut self, length: usize) -> Read<()> {
        self.take(length).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let taken = self.take(N)?;
        taken.first_chunk().copied().ok_or(Unreadable)
    }

    pub(crate) fn i16(&mut self) -> Read<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Read<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn uvarint(&mut self) -> Read<u32> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Unreadable)
    }

    /// The length of what may be null: 0 then.
    fn length(&mut self, short: bool) -> Read<usize> {
        let length = if self.flexible {
            i64::from(self.uvarint()?) - 1
        } else if short {
            i64::from(self.i16()?)
        } else {
            i64::from(self.i32()?)
        };
        // -1 is null.
        usize::try_from(length.max(0)).map_err(|_| Unreadable)
    }

    /// How many elements follow; no more than there are bytes left.
    fn count(&mut self) -> Read<usize> {
        let count = self.length(false)?;
        let left = self.bytes.len() - self.at;
        if count > left {
            Err(Unreadable)
        } else {
            Ok(count)
        }
    }

    /// Goes past a string, or what has the same form.
    pub(crate) fn string(&mut self) -> Read<()> {
        let length = self.length(true)?;
        self.skip(length)
    }

    /// A host and its port.
    fn spot(&mut self) -> Read<Spot> {
        let start = self.at;
        let length = self.length(true)?;
        let host = std::str::from_utf8(self.take(length)?).map_err(|_| Unreadable)?;
        let host = host.to_owned();
        // -1 goes with no host, where there is no coordinator.
        let port = u16::try_from(self.i32()?).unwrap_or(0);
        Ok(Spot {
            address: HostPort { host, port },
            place: start..self.at,
        })
    }

    /// Goes past tagged fields, where there are any.
    pub(crate) fn tags(&mut self) -> Read<()> {
        if self.flexible {
            for _ in 0..self.uvarint()? {
                self.uvarint()?;
                let length = self.uvarint()? as usize;
                self.skip(length)?;
            }
        }
        Ok(())
    }
}

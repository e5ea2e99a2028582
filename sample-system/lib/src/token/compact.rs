//! The compact form of a signed token (RFC 7515): `header.claims.signature`, each base64url.
//!
//! Strict, since all of it comes from outside: limits before work, exactly three parts, base64
//! without padding or loose bits, and a header that says what ours says and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Claims, Refusal};

/// The only algorithm there is. What a token asks for is compared with it, never followed.
const ALGORITHM: &str = "EdDSA";
/// Characters that a token may have; ours have about 400.
const LONGEST: usize = 2048;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;
/// Characters that the name of a key may have.
const LONGEST_KID: usize = 64;

/// The header. Another field, `crit` above all, would ask for something that is not done here.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
}

/// A token taken apart. Nothing of it is believed yet.
#[derive(Debug)]
pub(super) struct Compact<'t> {
    /// The name of the key that it claims to be signed with.
    pub(super) kid: String,
    /// What the signature covers.
    pub(super) signed: &'t [u8],
    /// The signature.
    pub(super) signature: [u8; SIGNATURE],
    claims: Vec<u8>,
}

impl Compact<'_> {
    /// The claims. Call it after the signature was checked.
    pub(super) fn claims(&self) -> Result<Claims, Refusal> {
        object(&self.claims).ok_or(Refusal::Malformed("its claims are not the shop's"))
    }
}

/// Takes `token` apart.
pub(super) fn read(token: &str) -> Result<Compact<'_>, Refusal> {
    if token.len() > LONGEST {
        return Err(Refusal::Malformed("it is too long"));
    }
    let parts = || Refusal::Malformed("it has not three parts");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(parts)?;
    let (header, claims) = signed.split_once('.').ok_or_else(parts)?;
    if claims.contains('.') {
        return Err(parts());
    }
    let header: Header =
        object(&decode(header)?).ok_or(Refusal::Malformed("its header is not the shop's"))?;
    if header.alg != ALGORITHM {
        return Err(Refusal::Malformed("another algorithm than EdDSA"));
    }
    if header.typ.is_some_and(|typ| typ != "JWT") {
        return Err(Refusal::Malformed("another type than JWT"));
    }
    let named = (1..=LONGEST_KID).contains(&header.kid.len())
        && header.kid.bytes().all(|c| c.is_ascii_graphic());
    if !named {
        return Err(Refusal::Malformed("its header names no key"));
    }
    let signature = decode(signature)?
        .try_into()
        .map_err(|_| Refusal::Malformed("its signature has another length"))?;
    Ok(Compact {
        kid: header.kid,
        signed: signed.as_bytes(),
        signature,
        claims: decode(claims)?,
    })
}

/// The token of `claims`, signed by `sign` under the name `kid`.
pub(super) fn write(
    kid: &str,
    claims: &Claims,
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
) -> Result<String, serde_json::Error> {
    let header = Header {
        alg: ALGORITHM.to_owned(),
        kid: kid.to_owned(),
        typ: Some("JWT".to_owned()),
    };
    let mut token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?));
    let signature = sign(token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Refusal::Malformed("a part of it is not base64url"))
}

/// The JSON object in `bytes`; a list of values in the right order would be taken for one.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

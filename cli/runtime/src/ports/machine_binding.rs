//! The machine's own answers about addresses: asked by binding without listening, and by the
//! kernel's socket table.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use msvc_machine::disk::read_regular;
use msvc_machine::process_table;
use socket2::{Domain, Socket, Type};

use super::Binding;
use crate::process::MARK;

/// Records of more bytes are none of ours.
const MAX_STATE: u64 = 16_000_000;

/// The kernel's number for a listening socket in its table.
const LISTEN: &str = "0A";

/// Asks this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineBinding;

impl Binding for MachineBinding {
    fn is_free(&mut self, address: SocketAddr) -> bool {
        if is_met_by_version_six(address) {
            return false;
        }
        if binds(address, false) {
            return true;
        }
        // Connections that are ending keep an address from a plain bind, though not from a server's
        // (which sets SO_REUSEADDR). A reservation of somebody else does so too, but shows no
        // entry in the table.
        binds(address, true) && {
            let entries = table();
            // Connections of a server on every address stand at the one that was called.
            let is_here = |local: SocketAddr| match address.ip().is_unspecified() {
                true => local.port() == address.port(),
                false => local == address,
            };
            let here = || entries.iter().filter(|entry| is_here(entry.local));
            here().next().is_some() && here().all(|entry| entry.state != LISTEN)
        }
    }

    fn has_loopback_network(&mut self) -> bool {
        binds(SocketAddr::from(([127, 64, 0, 1], 0)), false)
    }

    fn owner(&mut self, address: SocketAddr) -> Option<String> {
        let entries = table();
        let inode = entries
            .iter()
            .filter(|entry| entry.state == LISTEN && entry.local.port() == address.port())
            .find(|entry| entry.local.ip() == address.ip() || entry.local.ip().is_unspecified())
            .map(|entry| entry.inode.clone())?;
        holder_of(&inode)
    }
}

/// Whether somebody has the port on an address of IP version 6: a server that is told a number
/// only often listens on every address of both versions at once, and then cannot.
fn is_met_by_version_six(address: SocketAddr) -> bool {
    let bind = || {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
        socket.set_only_v6(true)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, address.port())).into())
    };
    // A machine may have no version 6 at all: then nobody has it there.
    let taken = |error: std::io::Error| error.kind() == std::io::ErrorKind::AddrInUse;
    address.ip() == Ipv4Addr::UNSPECIFIED && bind().is_err_and(taken)
}

fn binds(address: SocketAddr, reuse: bool) -> bool {
    let bind = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(reuse)?;
        socket.bind(&address.into())
    };
    bind().is_ok()
}

/// One line of the kernel's socket table.
struct Entry {
    local: SocketAddr,
    state: String,
    inode: String,
}

fn table() -> Vec<Entry> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|text| text.lines().skip(1).filter_map(entry).collect::<Vec<_>>())
        .collect()
}

fn entry(line: &str) -> Option<Entry> {
    let mut fields = line.split_whitespace().skip(1);
    let (ip, port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?.to_owned();
    let inode = fields.nth(5)?.to_owned();
    let port = u16::from_str_radix(port, 16).ok()?;
    let local = SocketAddr::new(table_ip(ip)?, port);
    Some(Entry {
        local,
        state,
        inode,
    })
}

/// Addresses stand in the table as native 32-bit words in hex.
fn table_ip(hex: &str) -> Option<IpAddr> {
    let mut bytes = Vec::new();
    for word in hex.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some(IpAddr::V4(Ipv4Addr::from(four)));
    }
    let sixteen = <[u8; 16]>::try_from(bytes.as_slice()).ok()?;
    let six = Ipv6Addr::from(sixteen);
    Some(six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4))
}

fn holder_of(inode: &str) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let files = fs::read_dir(process.path().join("fd")).ok()?;
        files
            .flatten()
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|target| target.as_os_str() == wanted.as_str())
            .then_some(())?;
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        let name = name.trim_end();
        Some(match system_of(pid) {
            Some(system) => format!("{system} ({name}, pid {pid})"),
            None => format!("{name} (pid {pid})"),
        })
    })
}

/// The system of this tool's that a process belongs to: as its supervisor, as one of its services,
/// or as what one of them started.
fn system_of(pid: u32) -> Option<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&str> = words
        .split(|byte| *byte == 0)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .collect();
    // A supervisor is started with the project's folder and name.
    let supervised = words.windows(2).find(|two| {
        let is_path = two[0].starts_with('/') && !two[1].contains('/');
        is_path && supervisor_of(two[0], two[1]) == Some(pid)
    });
    if let Some(two) = supervised {
        return Some(format!("the system {} in {}", two[1], two[0]));
    }
    let mark = process_table::variable_of(pid, MARK)?;
    let mut parts = mark.split('/');
    let (project, service) = (parts.next()?, parts.nth(2)?);
    Some(format!("{service} of the system {project}"))
}

/// The process that a project's records name as its supervisor.
fn supervisor_of(root: &str, project: &str) -> Option<u32> {
    let path: PathBuf = [root, ".msvc", project, "state.json"].iter().collect();
    let state = read_regular(&path, MAX_STATE).ok()?;
    let state: serde_json::Value = serde_json::from_slice(&state).ok()?;
    u32::try_from(state.pointer("/supervisor/pid")?.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_and_a_reservation_are_taken_and_their_owner_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(!MachineBinding.is_free(address));
        let owner = MachineBinding.owner(address).unwrap();
        assert!(
            owner.contains(&format!("pid {}", std::process::id())),
            "{owner}"
        );
        drop(listener);
        assert!(MachineBinding.is_free(address));

        let reserved = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        reserved.set_reuse_address(true).unwrap();
        reserved.bind(&address.into()).unwrap();
        assert!(
            !MachineBinding.is_free(address),
            "reserved without listening"
        );
    }

    #[test]
    fn a_wildcard_listener_owns_every_address() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        assert!(!MachineBinding.is_free(address));
        assert!(MachineBinding.owner(address).is_some());
    }

    #[test]
    fn a_port_that_somebody_has_in_version_six_is_not_free_everywhere() {
        // Of the kernel's own range it would be one that a connection of version four may have.
        let in_both = |port| {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
            TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok()
        };
        let Some(listener) = (30_000..32_000).find_map(in_both) else {
            return;
        };
        let port = listener.local_addr().unwrap().port();
        assert!(!MachineBinding.is_free(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))));
        assert!(MachineBinding.is_free(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    }

    #[test]
    fn a_port_whose_connections_fade_is_free_again_for_a_server_that_shares_it_and_no_other() {
        for (reuse, free) in [(true, true), (false, false)] {
            let server = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            server.set_reuse_address(reuse).unwrap();
            let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            server.bind(&everywhere.into()).unwrap();
            server.listen(1).unwrap();
            let port = server.local_addr().unwrap().as_socket().unwrap().port();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let caller = std::net::TcpStream::connect(address).unwrap();
            let (accepted, _) = server.accept().unwrap();
            drop(accepted);
            drop(server);
            drop(caller);
            let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            assert_eq!(MachineBinding.is_free(everywhere), free, "reuse {reuse}");
        }
    }

    #[test]
    fn an_address_whose_connections_are_ending_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let caller = std::net::TcpStream::connect(address).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        // The listening side ends first and keeps the address in TIME_WAIT.
        drop(accepted);
        drop(listener);
        drop(caller);
        assert!(MachineBinding.is_free(address));
    }
}

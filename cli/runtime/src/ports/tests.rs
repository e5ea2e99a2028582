//! Choosing addresses, against a machine that tests describe.

use super::*;

#[derive(Default)]
struct Machine {
    taken: Vec<SocketAddr>,
    taken_ports: Vec<u16>,
    only_one_address: bool,
}

impl Binding for Machine {
    fn is_free(&mut self, address: SocketAddr) -> bool {
        !self.taken.contains(&address) && !self.taken_ports.contains(&address.port())
    }
    fn has_loopback_network(&mut self) -> bool {
        !self.only_one_address
    }
    fn owner(&mut self, _: SocketAddr) -> Option<String> {
        Some("python3 (pid 7)".into())
    }
}

fn own(key: &str, ports: &[u16]) -> Slot {
    Slot {
        key: key.into(),
        ports: ports.iter().copied().collect(),
        want: Want::OwnAddress,
    }
}

fn settle(book: &mut Book, slots: &[Slot], held: &[SocketAddr], machine: &mut Machine) {
    let held = held.iter().copied().collect();
    book.settle(1, slots, &held, machine).unwrap();
}

#[test]
fn every_slot_has_an_address_of_its_own_with_its_real_ports() {
    let mut book = Book::default();
    let slots = [
        own("a", &[8080, 2525]),
        own("b", &[8080]),
        own("c", &[8080]),
    ];
    settle(&mut book, &slots, &[], &mut Machine::default());
    let a = book.address("a", 8080).unwrap();
    assert_eq!(book.address("a", 2525).unwrap().ip(), a.ip());
    assert_eq!(a.port(), 8080);
    let ips: BTreeSet<_> = ["a", "b", "c"]
        .map(|key| book.address(key, 8080).unwrap().ip())
        .into();
    assert_eq!(ips.len(), 3);
    for ip in ips {
        let IpAddr::V4(ip) = ip else { panic!("{ip}") };
        assert!((64..128).contains(&ip.octets()[1]), "{ip}");
    }
}

#[test]
fn the_same_project_chooses_the_same_and_a_copy_of_it_others() {
    let slots = [own("a", &[8080])];
    let choose = |home: &str| {
        let mut book = Book::default();
        let seed = seed(std::path::Path::new(home), "shop");
        book.settle(seed, &slots, &BTreeSet::new(), &mut Machine::default())
            .unwrap();
        book.address("a", 8080).unwrap()
    };
    assert_eq!(choose("/one/.msvc/shop"), choose("/one/.msvc/shop"));
    assert_ne!(choose("/one/.msvc/shop"), choose("/two/.msvc/shop"));
}

#[test]
fn who_listens_everywhere_has_its_port_to_itself() {
    let everywhere = |key: &str| Slot {
        key: key.into(),
        ports: [8080].into(),
        want: Want::FreePorts(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    };
    let mut alone = Book::default();
    settle(&mut alone, &[everywhere("a")], &[], &mut Machine::default());
    let chosen = alone.address("a", 8080).unwrap();
    // Another slot of the project has that very port on one address.
    let mut book = Book::default();
    let one = SocketAddr::from(([127, 0, 0, 1], chosen.port()));
    book.slots.insert("b".into(), [(80, one)].into());
    settle(&mut book, &[everywhere("a")], &[], &mut Machine::default());
    assert_ne!(book.address("a", 8080).unwrap().port(), chosen.port());
}

#[test]
fn an_address_taken_by_somebody_moves_and_one_that_we_hold_stays() {
    let mut book = Book::default();
    let slots = [own("a", &[8080])];
    settle(&mut book, &slots, &[], &mut Machine::default());
    let first = book.address("a", 8080).unwrap();
    let mut machine = Machine {
        taken: vec![first],
        ..Machine::default()
    };
    settle(&mut book, &slots, &[first], &mut machine);
    assert_eq!(book.address("a", 8080), Some(first));
    settle(&mut book, &slots, &[], &mut machine);
    let second = book.address("a", 8080).unwrap();
    assert_ne!(second, first);
    assert_eq!(second.port(), 8080);
}

#[test]
fn a_slot_that_gets_a_further_port_keeps_its_address_and_an_unused_one_its_place() {
    let mut book = Book::default();
    let machine = &mut Machine::default();
    settle(
        &mut book,
        &[own("a", &[8080]), own("b", &[1])],
        &[],
        machine,
    );
    let before = book.clone();
    settle(&mut book, &[own("a", &[2525])], &[], machine);
    assert_eq!(
        book.address("a", 2525).unwrap().ip(),
        before.address("a", 8080).unwrap().ip()
    );
    assert_eq!(book.address("a", 8080), before.address("a", 8080));
    assert_eq!(book.address("b", 1), before.address("b", 1));
}

#[test]
fn a_port_that_somebody_has_on_every_address_is_moved() {
    let mut book = Book::default();
    let mut machine = Machine {
        taken_ports: vec![8080],
        ..Machine::default()
    };
    settle(&mut book, &[own("a", &[8080])], &[], &mut machine);
    let moved = book.address("a", 8080).unwrap();
    assert!(FREE_PORTS.contains(&moved.port()));
    settle(&mut book, &[own("a", &[8080])], &[], &mut machine);
    assert_eq!(
        book.address("a", 8080),
        Some(moved),
        "and stays where it is"
    );
}

#[test]
fn where_there_is_one_loopback_address_ports_tell_slots_apart() {
    let mut book = Book::default();
    let mut machine = Machine {
        only_one_address: true,
        ..Machine::default()
    };
    let slots = [own("a", &[8080]), own("b", &[8080, 9090])];
    settle(&mut book, &slots, &[], &mut machine);
    let all = [
        book.address("a", 8080).unwrap(),
        book.address("b", 8080).unwrap(),
        book.address("b", 9090).unwrap(),
    ];
    assert!(all.iter().all(|address| is_only_loopback(address.ip())));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3);
    // Addresses of a book from elsewhere cannot be bound there.
    settle(&mut book, &slots, &[], &mut machine);
    assert_eq!(book.address("a", 8080), Some(all[0]));
}

#[test]
fn a_published_port_that_is_taken_is_refused_with_its_owner() {
    let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
    let slot = Slot {
        key: "published".into(),
        ports: [80].into(),
        want: Want::Exactly {
            address,
            last: address.port(),
            hint: "end it".into(),
        },
    };
    let mut machine = Machine {
        taken: vec![address],
        ..Machine::default()
    };
    let error = Book::default()
        .settle(
            1,
            std::slice::from_ref(&slot),
            &BTreeSet::new(),
            &mut machine,
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "127.0.0.1:8080 is taken by python3 (pid 7): end it"
    );
    let mut book = Book::default();
    settle(&mut book, &[slot], &[address], &mut machine);
    assert_eq!(book.address("published", 80), Some(address));
}

#[test]
fn of_a_range_the_first_is_taken_that_is_free_and_nobody_elses_and_it_is_kept() {
    let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let slot = |key: &str, first: u16, last: u16| Slot {
        key: key.into(),
        ports: [80].into(),
        want: Want::Exactly {
            address: at(first),
            last,
            hint: "end it".into(),
        },
    };
    let slots = [
        slot("a", 8080, 8084),
        slot("b", 8080, 8084),
        slot("c", 8081, 8081),
    ];
    let mut machine = Machine {
        taken: vec![at(8080)],
        ..Machine::default()
    };
    let mut book = Book::default();
    settle(&mut book, &slots, &[], &mut machine);
    let found = ["a", "b", "c"].map(|key| book.address(key, 80).unwrap().port());
    assert_eq!(found, [8082, 8083, 8081]);
    machine.taken.clear();
    settle(&mut book, &slots, &[], &mut machine);
    assert_eq!(
        book.address("a", 80),
        Some(at(8082)),
        "what it has it keeps"
    );
    machine.taken = (8080..=8084).map(at).collect();
    let full = Book::default().settle(1, &slots[..1], &BTreeSet::new(), &mut machine);
    assert!(full.unwrap_err().to_string().contains("127.0.0.1:8080"));
}

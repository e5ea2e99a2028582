//! The state machine, second by second, with no clock but the tests' own.

use super::*;

/// A group and the time that it is told.
struct Played {
    group: Group,
    now: Instant,
    ids: u32,
}

impl Played {
    fn new() -> Self {
        Self {
            group: Group::default(),
            now: Instant::now(),
            ids: 0,
        }
    }

    fn after(&mut self, milliseconds: u64) -> &mut Self {
        self.now += Duration::from_millis(milliseconds);
        self
    }

    fn request(&mut self, member: &str, instance: Option<&str>) -> Joining {
        self.ids += 1;
        Joining {
            connection: 1,
            member: member.to_owned(),
            instance: instance.map(str::to_owned),
            fresh_id: format!("m{}", self.ids),
            kind: "consumer".to_owned(),
            protocols: vec![("range".to_owned(), Bytes::from_static(b"topics"))],
            session: Duration::from_secs(6),
            rebalance: Duration::from_secs(60),
        }
    }

    fn ask(&mut self, request: Joining) -> Answer<Joined> {
        self.group.join(self.now, request)
    }

    /// Gets an id and joins with it, as clients do.
    fn join(&mut self) -> (String, oneshot::Receiver<Joined>) {
        let request = self.request("", None);
        let promised = now(self.ask(request));
        assert_eq!(promised.error, ErrorCode::MemberIdRequired);
        let waiting = self.rejoin(&promised.member);
        (promised.member, waiting)
    }

    fn rejoin(&mut self, id: &str) -> oneshot::Receiver<Joined> {
        let request = self.request(id, None);
        later(self.ask(request))
    }

    fn sync(&mut self, id: &str, generation: i32, shares: &[(&str, &str)]) -> Answer<Synced> {
        let own = |(id, share): &(&str, &str)| {
            ((*id).to_owned(), Bytes::copy_from_slice(share.as_bytes()))
        };
        let shares = shares.iter().map(own).collect();
        self.group.sync(self.now, id, generation, shares)
    }

    fn heartbeat(&mut self, id: &str, generation: i32) -> ErrorCode {
        self.group.heartbeat(self.now, id, generation)
    }

    /// A group of one that is stable in its first generation.
    fn stable() -> (Self, String) {
        let mut played = Self::new();
        let (id, mut waiting) = played.join();
        assert_eq!(told(&mut waiting).leader, id);
        let share = later(played.sync(&id, 1, &[(&id, "all")]));
        assert_eq!(
            share.blocking_recv().unwrap(),
            Ok(Bytes::from_static(b"all"))
        );
        (played, id)
    }
}

fn now<T: std::fmt::Debug>(answer: Answer<T>) -> T {
    match answer {
        Answer::Now(answer) => answer,
        Answer::Later(_) => panic!("it waits"),
    }
}

fn later<T: std::fmt::Debug>(answer: Answer<T>) -> oneshot::Receiver<T> {
    match answer {
        Answer::Later(waiting) => waiting,
        Answer::Now(answer) => panic!("it was answered: {answer:?}"),
    }
}

fn told<T>(waiting: &mut oneshot::Receiver<T>) -> T {
    waiting.try_recv().expect("it was told")
}

fn waits<T>(waiting: &mut oneshot::Receiver<T>) -> bool {
    matches!(waiting.try_recv(), Err(oneshot::error::TryRecvError::Empty))
}

#[test]
fn one_who_comes_back_after_a_kill_waits_a_third_of_the_dead_ones_session_when_its_connection_ended()
 {
    let (mut played, dead) = Played::stable();
    let end = played.after(500).now;
    played.group.hung_up(end, 1);
    let (id, mut waiting) = played.after(1_000).join();
    assert!(
        waits(&mut waiting),
        "the other may only have lost its connection"
    );
    assert_eq!(
        played.group.next(),
        Some(played.now + Duration::from_secs(1))
    );
    played.after(1_000);
    played.group.advance(played.now);
    let joined = told(&mut waiting);
    assert_eq!((joined.error, &joined.leader), (ErrorCode::None, &id));
    assert_eq!(joined.members.len(), 1, "{dead} is counted");
}

#[test]
fn a_member_that_speaks_on_another_connection_keeps_its_whole_session() {
    let (mut played, id) = Played::stable();
    let end = played.after(500).now;
    played.group.hung_up(end, 1);
    played.after(1_000);
    played.group.speaks(&id, 2);
    assert_eq!(played.heartbeat(&id, 1), ErrorCode::None);
    // The end of the connection before comes late.
    played.group.hung_up(played.now, 1);
    played.after(5_900);
    assert_eq!(played.heartbeat(&id, 1), ErrorCode::None);
}

/// The four seconds are those that the library's coordinator did not survive.
#[test]
fn one_who_comes_back_after_a_kill_reads_all_as_soon_as_the_dead_ones_session_ends() {
    for gap in [100, 1_000, 2_900, 4_000, 5_900, 6_100, 60_000] {
        let (mut played, dead) = Played::stable();
        let (id, mut waiting) = played.after(gap).join();
        if gap < 6_000 {
            assert!(waits(&mut waiting), "the dead one may still live at {gap}");
            let rest = Duration::from_millis(6_000 - gap);
            assert_eq!(played.group.next(), Some(played.now + rest));
            played.after(6_000 - gap);
            played.group.advance(played.now);
        }
        let joined = told(&mut waiting);
        assert_eq!((joined.error, &joined.leader), (ErrorCode::None, &id));
        assert_eq!(joined.members.len(), 1, "{dead} is counted");
        let mut share = later(played.sync(&id, joined.generation, &[(&id, "all")]));
        assert_eq!(told(&mut share), Ok(Bytes::from_static(b"all")));
    }
}

#[test]
fn only_the_leader_divides_and_a_follower_waits_for_its_share() {
    let (mut played, leader) = Played::stable();
    let (follower, mut joining) = played.join();
    assert!(waits(&mut joining));
    assert_eq!(played.heartbeat(&leader, 1), ErrorCode::RebalanceInProgress);
    let mut leading = played.rejoin(&leader);
    let (lead, follow) = (told(&mut leading), told(&mut joining));
    assert_eq!((lead.generation, lead.members.len()), (2, 2));
    assert_eq!((&follow.leader, follow.members.len()), (&leader, 0));
    let mut share = later(played.sync(&follower, 2, &[]));
    assert!(waits(&mut share));
    let shares = [(leader.as_str(), "a"), (follower.as_str(), "b")];
    let mut own = later(played.sync(&leader, 2, &shares));
    assert_eq!(told(&mut own), Ok(Bytes::from_static(b"a")));
    assert_eq!(told(&mut share), Ok(Bytes::from_static(b"b")));
    assert_eq!(played.heartbeat(&follower, 2), ErrorCode::None);
}

#[test]
fn a_leader_that_dies_before_it_divided_is_replaced() {
    let (mut played, leader) = Played::stable();
    let (follower, mut joining) = played.join();
    let mut leading = played.rejoin(&leader);
    assert_eq!(
        (told(&mut leading).generation, told(&mut joining).generation),
        (2, 2)
    );
    let mut share = later(played.sync(&follower, 2, &[]));
    played.after(6_100);
    played.group.advance(played.now);
    assert_eq!(told(&mut share), Err(ErrorCode::RebalanceInProgress));
    let mut again = played.rejoin(&follower);
    let joined = told(&mut again);
    assert_eq!((joined.generation, &joined.leader), (3, &follower));
}

#[test]
fn one_who_leaves_frees_its_share_at_once() {
    let (mut played, first) = Played::stable();
    let left = played.group.leave(played.now, &first, None);
    assert_eq!(left, ErrorCode::None);
    assert!(played.group.is_empty());
    let (id, mut waiting) = played.join();
    assert_eq!(told(&mut waiting).leader, id);
}

#[test]
fn heartbeats_keep_a_session_and_their_lack_ends_it() {
    let (mut played, id) = Played::stable();
    for _ in 0..10 {
        assert_eq!(played.after(5_000).heartbeat(&id, 1), ErrorCode::None);
    }
    assert_eq!(
        played.after(6_100).heartbeat(&id, 1),
        ErrorCode::UnknownMemberId
    );
}

#[test]
fn a_member_that_does_not_join_in_time_is_left_behind_though_it_lives() {
    let (mut played, slow) = Played::stable();
    let (id, mut waiting) = played.join();
    for _ in 0..12 {
        assert!(waits(&mut waiting));
        played.after(5_000).heartbeat(&slow, 1);
    }
    assert_eq!(told(&mut waiting).leader, id);
    assert_eq!(played.heartbeat(&slow, 1), ErrorCode::UnknownMemberId);
}

#[test]
fn only_members_of_this_generation_commit() {
    let (mut played, id) = Played::stable();
    let at = played.now;
    assert_eq!(played.group.may_commit(at, &id, 1), ErrorCode::None);
    assert_eq!(
        played.group.may_commit(at, &id, 0),
        ErrorCode::IllegalGeneration
    );
    assert_eq!(
        played.group.may_commit(at, "x", 1),
        ErrorCode::UnknownMemberId
    );
    assert_eq!(
        played.group.may_commit(at, "", -1),
        ErrorCode::UnknownMemberId
    );
    let mut empty = Group::default();
    assert_eq!(empty.may_commit(at, "", -1), ErrorCode::None);
}

#[test]
fn a_named_process_takes_the_place_of_the_one_before_it_at_once() {
    let mut played = Played::new();
    let request = played.request("", Some("pod-1"));
    let first = told(&mut later(played.ask(request)));
    let mut share = later(played.sync(&first.member, 1, &[(&first.member, "all")]));
    assert!(told(&mut share).is_ok());
    let request = played.request("", Some("pod-1"));
    let second = told(&mut later(played.ask(request)));
    assert_eq!((second.members.len(), second.generation), (1, 2));
    assert_eq!(
        played.heartbeat(&first.member, 1),
        ErrorCode::UnknownMemberId
    );
    let request = played.request(&first.member, Some("pod-1"));
    assert_eq!(now(played.ask(request)).error, ErrorCode::FencedInstanceId);
}

#[test]
fn what_cannot_be_a_member_is_told_why() {
    let (mut played, _) = Played::stable();
    let unknown = played.request("nobody", None);
    let mut impatient = played.request("", None);
    impatient.session = Duration::from_secs(1);
    let mut other = played.request("", None);
    other.protocols = vec![("sticky".to_owned(), Bytes::new())];
    let mut none = played.request("", None);
    none.protocols = Vec::new();
    let mut connect = played.request("", None);
    connect.kind = "connect".to_owned();
    for (request, error) in [
        (unknown, ErrorCode::UnknownMemberId),
        (impatient, ErrorCode::InvalidSessionTimeout),
        (other, ErrorCode::InconsistentGroupProtocol),
        (none, ErrorCode::InconsistentGroupProtocol),
        (connect, ErrorCode::InconsistentGroupProtocol),
    ] {
        assert_eq!(now(played.ask(request)).error, error);
    }
}

#[test]
fn an_answer_that_was_not_heard_is_given_again() {
    let (mut played, id) = Played::stable();
    let (follower, mut joining) = played.join();
    let mut leading = played.rejoin(&id);
    let first = told(&mut joining);
    told(&mut leading);
    let mut again = played.rejoin(&follower);
    assert_eq!(told(&mut again), first);
}

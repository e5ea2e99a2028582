//! Which request is answered by what: Tansu's own services, but for those that write and fetch
//! records ([`news`](crate::news)).

use rama::layer::{MapErrLayer, MapStateLayer};
use rama::{Layer as _, Service as _};
use tansu_broker::Error;
use tansu_broker::service::{auth, coordinator, storage};
use tansu_sans_io::{ApiKey as _, FetchRequest, ProduceRequest};
use tansu_service::{
    BytesFrameLayer, BytesFrameService, FrameRequestLayer, FrameRouteBuilder, FrameRouteService,
    TcpBytesLayer, TcpBytesService, TcpContext, TcpContextLayer, TcpContextService,
};

use crate::counted::{Counted, CountedLayer};
use crate::groups::Groups;
use crate::measured::Measured;
use crate::news::{Fetch, Produce};
use crate::store::{CLUSTER, Store};

/// What answers one connection.
pub(crate) type Routes = TcpContextService<
    TcpBytesService<BytesFrameService<Counted<FrameRouteService<(), Error>>>, ()>,
>;

type Builder = FrameRouteBuilder<(), Error>;

/// What answers a connection to `store`, whose groups it asks as `connected`.
///
/// # Errors
/// When two services answer the same request.
pub(crate) fn of(store: &Store, connected: Groups) -> Result<Routes, Error> {
    let builder = records(FrameRouteService::<(), Error>::builder(), store)?;
    let builder = others(builder, &store.data)?;
    let builder = groups(builder, connected)?;
    let route = auth::services(builder)?.build()?;
    let context = TcpContext::default().cluster_id(Some(CLUSTER.into()));
    let layers = (
        TcpContextLayer::new(context),
        TcpBytesLayer::default(),
        BytesFrameLayer::default().with_sasl_config(None),
        CountedLayer(store.figures.clone()),
    );
    Ok(layers.into_layer(route))
}

/// Writing and fetching records.
fn records(builder: Builder, store: &Store) -> Result<Builder, Error> {
    let (data, news) = (store.data.clone(), &store.news);
    let written = data.clone();
    let most = store.message_max_bytes;
    let produce = (
        MapErrLayer::new(Error::from),
        MapStateLayer::new(|_| written),
        FrameRequestLayer::<ProduceRequest>::new(),
    );
    let fetch = (
        MapErrLayer::new(Error::from),
        MapStateLayer::new(|_| data),
        FrameRequestLayer::<FetchRequest>::new(),
    );
    let produce = produce.into_layer(Produce(news.clone(), most)).boxed();
    let fetch = fetch.into_layer(Fetch(news.clone(), most)).boxed();
    let builder = builder.with_route(ProduceRequest::KEY, produce)?;
    Ok(builder.with_route(FetchRequest::KEY, fetch)?)
}

/// All else that is asked of topics and records. Nobody is let delete a topic: the engine's statement
/// asks for the cluster of the one that is named, and deletes all that this has, with their records.
fn others(builder: Builder, data: &Measured) -> Result<Builder, Error> {
    let services = [
        storage::add_offsets_to_txn,
        storage::add_partitions_to_txn,
        storage::alter_user_scram_credentials,
        storage::consumer_group_describe,
        storage::create_acls,
        storage::create_topics,
        storage::delete_groups,
        storage::delete_records,
        storage::describe_acls,
        storage::describe_cluster,
        storage::describe_configs,
        storage::describe_groups,
        storage::describe_topic_partitions,
        storage::describe_user_scram_credentials,
        storage::find_coordinator,
        storage::get_telemetry_subscriptions,
        storage::incremental_alter_configs,
        storage::init_producer_id,
        storage::list_groups,
        storage::list_offsets,
        storage::list_partition_reassignments,
        storage::metadata,
        storage::txn_offset_commit_request,
    ];
    let mut services = services.into_iter();
    services.try_fold(builder, |builder, service| service(builder, data.clone()))
}

fn groups(builder: Builder, groups: Groups) -> Result<Builder, Error> {
    coordinator::services(builder, groups)
}

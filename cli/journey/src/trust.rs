//! Whom a play trusts over HTTPS: for each address the one that vouches for it, and nobody for any
//! other. Certificates are fetched when the first call needs them, in each play anew.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use msvc_machine::http_client::{HttpClientOptions, http_client};
use msvc_report::case::Evidence;
use msvc_system::problem::Problem;
use reqwest::{Client, Url};

use crate::entry::Entry;

/// Whoever knows the certificates that vouch for a service.
#[async_trait::async_trait]
pub trait Authority: fmt::Debug + Send + Sync {
    /// The certificates, PEM, as they are now.
    ///
    /// # Errors
    /// When they cannot be had, with the line that names them.
    async fn certificates(&self) -> Result<Vec<u8>, Problem>;
}

/// An address whose HTTPS is vouched for.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Where it answers.
    pub address: SocketAddr,
    /// Who knows its certificates.
    pub authority: Arc<dyn Authority>,
}

/// Why there is no client: the user has to know where and what to do.
pub(crate) struct NoClient(pub(crate) Evidence);

/// The clients of one play: one that trusts nobody, and one for each address that is vouched for.
#[derive(Default)]
pub(crate) struct Clients {
    by_port: HashMap<Option<u16>, Client>,
}

impl Clients {
    /// The client for a URL.
    pub(crate) async fn of(&mut self, url: &str, entry: &Entry) -> Result<Client, NoClient> {
        let url = Url::parse(url).ok();
        let vouched = url.as_ref().and_then(|url| vouched(url, entry));
        let port = vouched.map(|trusted| trusted.address.port());
        if let Some(client) = self.by_port.get(&port) {
            return Ok(client.clone());
        }
        let mut options = HttpClientOptions {
            timeout: entry.request_timeout,
            trust_pem: None,
            resolve: Vec::new(),
        };
        if let (Some(trusted), Some(url)) = (vouched, &url) {
            let certificates = trusted.authority.certificates().await;
            options.trust_pem = Some(certificates.map_err(|why| NoClient(said(why)))?);
            let name = url.domain().map(|name| (name.to_owned(), trusted.address));
            options.resolve.extend(name);
        }
        let client = http_client(&options);
        let client = client.map_err(|why| NoClient(Evidence::said(why.to_string())))?;
        self.by_port.insert(port, client.clone());
        Ok(client)
    }

    /// The next client for that port reads its certificates again.
    pub(crate) fn forget(&mut self, url: &str) {
        let port = Url::parse(url).ok().and_then(|url| url.port());
        self.by_port.remove(&port);
    }
}

/// Who vouches for the URL. Ports of the entry's addresses are unlike each other.
fn vouched<'a>(url: &Url, entry: &'a Entry) -> Option<&'a Trusted> {
    let port = url
        .port_or_known_default()
        .filter(|_| url.scheme() == "https")?;
    entry.trust.iter().find(|it| it.address.port() == port)
}

fn said(why: Problem) -> Evidence {
    let what = match why.hint {
        Some(hint) => format!("{} ({hint})", why.what),
        None => why.what,
    };
    match why.place {
        Some(place) => Evidence::said(what).at(place),
        None => Evidence::said(what),
    }
}

//! Public keys as auth publishes them: a JSON Web Key Set (RFC 7517, RFC 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// Bytes of an Ed25519 public key.
pub(super) const PUBLIC: usize = 32;

/// One public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Its name: its thumbprint (RFC 7638).
    pub kid: String,
    /// Kind of key: `OKP`.
    pub kty: String,
    /// Its curve: `Ed25519`.
    pub crv: String,
    /// The key itself, base64url.
    pub x: String,
    /// What it is for: `sig`.
    #[serde(rename = "use", default = "sig")]
    pub use_: String,
    /// The algorithm it signs with: `EdDSA`.
    #[serde(default = "eddsa")]
    pub alg: String,
}

fn sig() -> String {
    "sig".to_owned()
}

fn eddsa() -> String {
    "EdDSA".to_owned()
}

/// The keys that are published together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, each by its own name.
    pub keys: Vec<Jwk>,
}

/// A key that checks signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PublicKey([u8; PUBLIC]);

impl PublicKey {
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(signed, signature)
            .is_ok()
    }
}

impl Jwk {
    /// The published form of the public key `bytes`.
    pub(super) fn of(bytes: &[u8; PUBLIC]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(bytes);
        // RFC 7638: the members that make the key, in the order of their names.
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self {
            kid: URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes())),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            use_: sig(),
            alg: eddsa(),
        }
    }

    /// The key, where it is one that this shop signs with.
    pub(super) fn public(&self) -> Option<PublicKey> {
        let ours = self.kty == "OKP"
            && self.crv == "Ed25519"
            && self.use_ == "sig"
            && self.alg == "EdDSA"
            && !self.kid.is_empty();
        let bytes = URL_SAFE_NO_PAD.decode(&self.x).ok()?;
        ours.then_some(PublicKey(bytes.try_into().ok()?))
    }
}

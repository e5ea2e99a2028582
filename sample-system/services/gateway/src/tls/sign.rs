//! Makes a CA and the certificates that it signs, as PEM text. Pure but for the keys that it draws.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// How long a CA holds. Ten years: whoever trusts it should not have to do so again soon.
pub(super) const CA_DAYS: i64 = 3650;
/// How long a certificate holds. Thirty days: long enough to be without the gateway over a
/// holiday, short enough that its renewal is no rare event.
pub(super) const LEAF_DAYS: i64 = 30;
/// When it is made anew: ten days before it ends.
pub(super) const RENEW_DAYS: i64 = 10;

/// When a CA is made anew: sixty days before it ends. Whatever it signs has ended by then, and whoever
/// trusts it has time to learn of the next.
pub(super) const RENEW_CA_DAYS: i64 = 60;

/// A CA: its certificate and its key, both PEM.
pub(super) struct Ca {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Makes a CA that begins to hold a day before `now`, since clocks differ.
pub(super) fn ca(now: DateTime<Utc>) -> Result<Ca, rcgen::Error> {
    let key = KeyPair::generate()?.serialize_pem();
    Ok(Ca {
        certificate: ca_of(&key, now)?,
        key,
    })
}

/// The certificate of the CA whose key is `ca_key` (PEM), made once more: what it signed before holds
/// by it too.
pub(super) fn ca_of(ca_key: &str, now: DateTime<Utc>) -> Result<String, rcgen::Error> {
    let mut params = ca_params()?;
    holds(&mut params, now, CA_DAYS);
    Ok(params.self_signed(&KeyPair::from_pem(ca_key)?)?.pem())
}

/// Makes a certificate for `names`, signed by the CA whose key is `ca_key` (PEM); answers its PEM,
/// its key's after it.
pub(super) fn leaf(
    names: &[String],
    ca_key: &str,
    now: DateTime<Utc>,
) -> Result<String, rcgen::Error> {
    let issuer = Issuer::new(ca_params()?, KeyPair::from_pem(ca_key)?);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named("The shop's gateway");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    holds(&mut params, now, LEAF_DAYS);
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// What a CA is, but for its key and its times: a certificate's issuer is known by this.
fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named("The shop's CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Lets what is made hold from a day before `now` until `days` after it.
fn holds(params: &mut CertificateParams, now: DateTime<Utc>, days: i64) {
    let day = |time: DateTime<Utc>| {
        let of = |number: u32| u8::try_from(number).unwrap_or(1);
        date_time_ymd(time.year(), of(time.month()), of(time.day()))
    };
    params.not_before = day(now - TimeDelta::days(1));
    params.not_after = day(now + TimeDelta::days(days));
}

//! The papers of a tender: proof of delivery, invoice (contract 4.0). They attach to finished tenders too.

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use http::Method;

use super::read::row;
use crate::auth::{Profile, Request};
use crate::carrier::segment;
use crate::core::Core;

/// The list, or one of them, byte for byte as the carrier has it.
pub(crate) async fn papers(core: &Core, tender: &str, document: Option<&str>) -> Result<Document> {
    core.open()?;
    let carrier = core.carrier(&row(core, tender).await?.carrier)?;
    let (operation, path) = match document {
        None => ("documents.list", format!("/v1/tenders/{}/documents", segment(tender))),
        Some(id) => ("documents.get", format!("/v1/tenders/{}/documents/{}", segment(tender), segment(id))),
    };
    let request = Request::new(operation, Method::GET, path, Profile::CertificateBound, "documents:read");
    Document::parse(carrier.call(request).await?.body)
}

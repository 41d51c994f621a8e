//! One path of the API with everything about it in one place: who answers, and what the API's
//! document says. The router and the document are made from the same list, so neither can know a
//! path that the other does not.

use axum::handler::Handler;
use axum::routing::MethodFilter;
use axum::routing::{MethodRouter, on};

use crate::Services;

/// A path and its methods.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) methods: MethodRouter<Services>,
    pub(crate) operations: Vec<Operation>,
}

/// What the document says of one method of a path.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// In lower case, as OpenAPI has it.
    pub(crate) method: &'static str,
    /// Its name in generated clients.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) takes: Takes,
    /// The status of success and what comes with it.
    pub(crate) gives: Vec<(u16, Gives)>,
    /// Whether a bearer token is needed.
    pub(crate) needs_token: bool,
    /// Names of query parameters, with their JSON type.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// Whether `Idempotency-Key` makes a repeated request harmless.
    pub(crate) is_idempotent_by_key: bool,
}

/// The body of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Takes {
    Nothing,
    /// JSON of a schema by its name.
    Json(&'static str),
    /// The `d` of a message, without what the path says already.
    Message(&'static str, &'static [&'static str]),
    /// A message in whole: `t` and `d`.
    AnyMessage,
    Sdp,
    SdpFragment,
}

/// The body of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gives {
    Nothing,
    /// JSON of a schema by its name.
    Json(&'static str),
    /// JSON that is described elsewhere.
    AnyJson,
    /// JSON of a schema by its name, or the same as a table.
    JsonOrCsv(&'static str),
    Sdp,
    SdpFragment,
    Jpeg,
}

impl Operation {
    pub(crate) const fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            method: "",
            id,
            summary,
            takes: Takes::Nothing,
            gives: Vec::new(),
            needs_token: true,
            query: &[],
            is_idempotent_by_key: false,
        }
    }

    pub(crate) fn takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    pub(crate) fn gives(mut self, status: u16, gives: Gives) -> Self {
        self.gives.push((status, gives));
        self
    }

    pub(crate) fn for_anyone(self) -> Self {
        Self { needs_token: false, ..self }
    }

    pub(crate) fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    pub(crate) fn idempotent_by_key(self) -> Self {
        Self { is_idempotent_by_key: true, ..self }
    }
}

impl Route {
    pub(crate) fn new(path: &'static str) -> Self {
        Self { path, methods: MethodRouter::new(), operations: Vec::new() }
    }

    pub(crate) fn get<H: Handler<T, Services>, T: 'static>(
        self,
        handler: H,
        says: Operation,
    ) -> Self {
        self.on(MethodFilter::GET, "get", handler, says)
    }

    pub(crate) fn post<H: Handler<T, Services>, T: 'static>(
        self,
        handler: H,
        says: Operation,
    ) -> Self {
        self.on(MethodFilter::POST, "post", handler, says)
    }

    pub(crate) fn put<H: Handler<T, Services>, T: 'static>(
        self,
        handler: H,
        says: Operation,
    ) -> Self {
        self.on(MethodFilter::PUT, "put", handler, says)
    }

    pub(crate) fn patch<H: Handler<T, Services>, T: 'static>(
        self,
        handler: H,
        says: Operation,
    ) -> Self {
        self.on(MethodFilter::PATCH, "patch", handler, says)
    }

    pub(crate) fn delete<H: Handler<T, Services>, T: 'static>(
        self,
        handler: H,
        says: Operation,
    ) -> Self {
        self.on(MethodFilter::DELETE, "delete", handler, says)
    }

    fn on<H: Handler<T, Services>, T: 'static>(
        mut self,
        filter: MethodFilter,
        method: &'static str,
        handler: H,
        says: Operation,
    ) -> Self {
        self.methods = self.methods.merge(on(filter, handler));
        self.operations.push(Operation { method, ..says });
        self
    }
}

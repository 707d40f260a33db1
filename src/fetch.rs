//! HTTP requests to other servers, and their answers, as data: the shell performs them.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

use crate::ids::Millis;
use crate::javascript;

/// A request to another server.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// let request = FetchRequest::post("https://hooks.example.com/message")
///     .header("authorization", "Bearer secret")
///     .json(&json!({ "text": "Hello!" }))
///     .timeout(Millis(3_000))
///     .max_bytes(64_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing is fetched before `Io::fetch` gets it"]
pub struct FetchRequest {
    /// The method, in capitals.
    pub method: Cow<'static, str>,
    /// The URL: `https://…`. Whoever lets clients choose it lets them reach whatever the Worker can reach.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Rc<[u8]>>,
    /// The service binding that the request goes to; `None` for the internet.
    pub binding: Option<Cow<'static, str>>,
    /// How long the whole answer may take; `None` for [`Config::fetch_timeout`](crate::config::Config::fetch_timeout).
    pub timeout: Option<Millis>,
    /// How many bytes its body may have; `None` for [`Config::max_fetch_bytes`](crate::config::Config::max_fetch_bytes).
    pub max_bytes: Option<usize>,
    /// Why it can't be sent.
    pub(crate) invalid: Option<String>,
}

impl FetchRequest {
    /// A request with this method.
    pub fn new(method: impl Into<Cow<'static, str>>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            binding: None,
            timeout: None,
            max_bytes: None,
            invalid: None,
        }
    }

    /// A GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A POST.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this body.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into().into());
        self
    }

    /// With this value as JSON, and the header that says so.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(error) => Self { invalid: Some(error.to_string()), ..self },
        }
    }

    /// To the Worker behind this service binding, rather than to the internet. That Worker may have bindings of its own, such as
    /// KV, D1 or queues.
    pub fn binding(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.binding = Some(name.into());
        self
    }

    /// How long the whole answer may take.
    pub fn timeout(mut self, timeout: Millis) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many bytes the body of the answer may have.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}

/// The answer of another server, whatever its status.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Weather { celsius: f64 }
///
/// fn fetched(room: &mut Room, fetched: &Fetched) -> Result {
///     let response = fetched.response()?;
///     if response.is_ok() {
///         room.io.emit("weather", &response.json::<Weather>()?.celsius)?;
///     }
///     Ok(())
/// }
/// # let _: Handlers = Handlers::new().on_fetched(FetchName::new("weather"), fetched);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchResponse {
    /// The status code.
    pub status: u16,
    /// The headers, with names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl FetchResponse {
    /// Whether the status says that all went well: 200–299.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// Where it isn't UTF-8.
    pub fn text(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(&self.body)
    }

    /// The body as a value. Numbers and texts are JavaScript's: `5.0` is an integer, and half of a surrogate pair is U+FFFD.
    ///
    /// # Errors
    /// Where it isn't such JSON.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        javascript::read(self.text().map_err(serde_json::Error::custom)?)
    }
}

/// Why there is no answer.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn fetched(room: &mut Room, fetched: &Fetched) -> Result {
///     match &fetched.outcome {
///         Err(FetchError::Timeout | FetchError::Restarted) => room.io.emit("try again", &()),
///         Err(error) => Ok(room.io.warn(&error.to_string())),
///         Ok(response) => room.io.emit("fetched", &response.status),
///     }
/// }
/// # let _: Handlers = Handlers::new().on_fetched(FetchName::new("x"), fetched);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The request can't be sent: its URL, a header or its binding is wrong, as this says.
    Invalid(String),
    /// The other server can't be reached, or the connection broke.
    Failed(String),
    /// The answer took too long.
    Timeout,
    /// The body of the answer is too large.
    TooLarge,
    /// The room lost its memory before it had the answer. The other server may have got the request.
    Restarted,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "the request can't be sent: {why}"),
            Self::Failed(why) => write!(f, "the request failed: {why}"),
            Self::Timeout => f.write_str("the answer took too long"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Restarted => f.write_str("the room lost its memory before it had the answer"),
        }
    }
}

impl std::error::Error for FetchError {}

/// What came of a request.
pub type FetchOutcome = Result<FetchResponse, FetchError>;

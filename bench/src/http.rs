//! HTTP/1.1, as much of it as polling needs: requests on one connection, one after the other.

use std::rc::Rc;

use anyhow::{Context, Result, bail};

use crate::wire::Wire;

const MAX_HEADERS: usize = 64;

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// Bytes that the head takes.
    length: usize,
}

impl Head {
    /// `None` if more bytes are needed.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
        let headers = response
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()));
        let head = Self { status: response.code.unwrap_or_default(), headers: headers.collect(), length };
        Ok(Some((head, length)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// The body, if it is whole, and the bytes that the answer takes.
    fn body(&self, bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>> {
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return chunks(bytes, self.length);
        }
        let length = self.header("content-length").unwrap_or("0").parse::<usize>()?;
        let end = self.length + length;
        Ok(bytes.get(self.length..end).map(|body| (body.to_vec(), end)))
    }
}

fn chunks(bytes: &[u8], mut at: usize) -> Result<Option<(Vec<u8>, usize)>> {
    let mut body = Vec::new();
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Ok(httparse::Status::Complete((skip, size))) = httparse::parse_chunk_size(rest) else { return Ok(None) };
        let (start, size) = (at + skip, usize::try_from(size)?);
        let Some(chunk) = bytes.get(start..start + size) else { return Ok(None) };
        if bytes.len() < start + size + 2 {
            return Ok(None);
        }
        body.extend_from_slice(chunk);
        at = start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

/// A connection for requests.
pub(crate) struct Http {
    wire: Rc<Wire>,
    address: String,
    rest: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(address: &str) -> Result<Self> {
        Ok(Self { wire: Wire::connect(address).await?, address: address.to_owned(), rest: Vec::new() })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.exchange(head.as_bytes()).await.with_context(|| format!("GET {path}"))
    }

    pub(crate) async fn post(&mut self, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.exchange(&[head.as_bytes(), body].concat()).await.with_context(|| format!("POST {path}"))
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.wire.send(request);
        let mut answer = None;
        while answer.is_none() {
            self.wire
                .read(&mut self.rest, |bytes| {
                    let Some((head, _)) = Head::parse(bytes)? else { return Ok(0) };
                    let Some((body, used)) = head.body(bytes)? else { return Ok(0) };
                    answer = Some((head.status, body));
                    Ok(used)
                })
                .await?;
        }
        match answer {
            Some((200..300, body)) => Ok(body),
            Some((status, body)) => bail!("{status}: {}", String::from_utf8_lossy(&body)),
            None => bail!("no answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_a_length_or_chunks_and_is_taken_when_it_is_whole() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        ] {
            let whole = |bytes: &[u8]| Head::parse(bytes).unwrap().and_then(|(head, _)| head.body(bytes).unwrap());
            for length in 0..answer.len() {
                assert_eq!(whole(&answer.as_bytes()[..length]), None, "{length} bytes of {answer}");
            }
            assert_eq!(whole(format!("{answer}HTTP/1.1").as_bytes()), Some((b"hello world".to_vec(), answer.len())));
        }
    }
}

use super::spawner::Output;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// A line longer than this is cut, as Lambda cuts an entry of a log: 256 KiB.
const LONGEST: usize = 256 * 1024;

/// The lines of what a process writes.
pub(super) struct Lines {
    from: Option<Output>,
    /// Read, but not yet a whole line.
    rest: Vec<u8>,
    /// Up to here `rest` has no line's end.
    searched: usize,
}

impl Lines {
    pub(super) fn new(from: Output) -> Self {
        Lines { from: Some(from), rest: vec![], searched: 0 }
    }

    /// There will be no further line.
    pub(super) fn is_over(&self) -> bool {
        self.from.is_none() && self.rest.is_empty()
    }

    /// The next line without its end, or `None` after the last. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Option<String> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next line if it has been written already.
    pub(super) async fn next_written(&mut self) -> Option<String> {
        poll_fn(|cx| match self.poll_next(cx) {
            Poll::Ready(line) => Poll::Ready(line),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        loop {
            if let Some(line) = self.cut() {
                return Poll::Ready(Some(line));
            }
            let Some(from) = &mut self.from else { return Poll::Ready(None) };
            let mut chunk = [0; 8192];
            let mut buffer = ReadBuf::new(&mut chunk);
            match Pin::new(from).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.rest.extend_from_slice(buffer.filled());
                }
                // A broken pipe ends as a closed one does.
                Poll::Ready(_) => self.from = None,
            }
        }
    }

    fn cut(&mut self) -> Option<String> {
        let end = self.rest[self.searched..].iter().position(|byte| *byte == b'\n');
        let (line, gone) = match end.map(|at| at + self.searched) {
            Some(end) => (end, end + 1),
            None if self.rest.len() >= LONGEST => (LONGEST, LONGEST),
            None if self.from.is_none() && !self.rest.is_empty() => {
                (self.rest.len(), self.rest.len())
            }
            None => {
                self.searched = self.rest.len();
                return None;
            }
        };
        let mut text = &self.rest[..line];
        if let [before @ .., b'\r'] = text {
            text = before;
        }
        let text = String::from_utf8_lossy(text).into_owned();
        self.rest.drain(..gone);
        self.searched = 0;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn lines_end_where_they_end_and_the_last_needs_no_end() {
        let text = "one\ntwo\r\n\n\u{e9}\nlast";
        let mut lines = Lines::new(Box::new(text.as_bytes()));
        let mut got = vec![];
        while let Some(line) = lines.next().await {
            got.push(line);
        }
        assert_eq!(got, ["one", "two", "", "\u{e9}", "last"]);
        assert!(lines.is_over());
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        let (mut to, from) = tokio::io::duplex(LONGEST * 2);
        to.write_all(&vec![b'x'; LONGEST + 3]).await.unwrap();
        let mut lines = Lines::new(Box::new(from));
        assert_eq!(lines.next().await.map(|l| l.len()), Some(LONGEST));
        assert_eq!(lines.next_written().await, None, "the rest may become longer");
        drop(to);
        assert_eq!(lines.next().await.as_deref(), Some("xxx"));
        assert_eq!(lines.next().await, None);
    }
}

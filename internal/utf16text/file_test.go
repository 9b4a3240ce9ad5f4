package utf16text_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/utf16text"
)

// A file in UTF-16 becomes UTF-8, with its byte order mark or without, unless it ends inside a character. Another file
// loses its mark at most.
func TestUTF8ReadsFiles(t *testing.T) {
	for file, want := range map[string]string{"": "", "ä\xff": "ä\xff", "\xef\xbb\xbfa": "a",
		"\xff\xfea\x00\xe4\x00": "aä", "\xfe\xff\x00a\xd8\x3d\xde\x00": "a😀",
		"a\x00\xe4\x00b\x00": "aäb", "\x00a\x00b\x01\x00": "abĀ",
		"PK\x03\x04": "PK\x03\x04", "a\x00\x00\x00": "a\x00\x00\x00", "\xff\xfe": "", "\xff\xfe\x00\xd8a\x00": "\ufffda"} {
		got, err := utf16text.UTF8([]byte(file))
		check.That(t, err == nil && string(got) == want, "%q: %q, %v, want %q", file, got, err, want)
	}
	for _, file := range []string{"\xff\xfea", "\xfe\xff\x00a\xd8", "\xff\xfe\x3d\xd8"} {
		_, err := utf16text.UTF8([]byte(file))
		check.That(t, errors.Is(err, utf16text.ErrCut), "%q: %v, want %v", file, err, utf16text.ErrCut)
	}
}

package host

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReplies: a conversation is whole or tells nothing: what ends early, is no reply, or
// never ends is no statement about a user (L-56).
func TestReplies(t *testing.T) {
	const one, more = `{"parameters":{"n":1}}` + "\x00", `{"parameters":{"n":1},"continues":true}` + "\x00"
	const none = `{"error":"io.systemd.UserDatabase.NoRecordFound"}` + "\x00"
	for _, c := range []struct {
		text  string
		n     int
		found bool
		want  string
	}{
		{one, 1, true, ""}, {more + one, 2, true, ""}, {one + one, 1, true, ""}, {none, 0, false, ""},
		{more + none, 1, true, ""},
		{"", 0, false, "the conversation ended early: unexpected EOF"},
		{more, 1, false, "the conversation ended early: unexpected EOF"},
		{strings.TrimSuffix(one, "\x00"), 0, false, "the conversation ended early: unexpected EOF"},
		{"\x00" + one, 0, false, "unexpected end of JSON input"}, {one + "\x00", 1, true, ""},
		{`{"parameters":{"n":"` + strings.Repeat("x", maxReply-64) + `"}}` + "\x00", 1, true, ""},
		{"x\x00", 0, false, "invalid character"}, {`{"error":"io.x"}` + "\x00", 0, false, "io.x"},
		{strings.Repeat(more, maxReplies), maxReplies, false, "more than"},
		{`{"parameters":{"n":"` + strings.Repeat("x", maxReply) + `"}}` + "\x00", 0, false, "token too long"},
	} {
		n := 0
		found, err := replies(iotest.HalfReader(strings.NewReader(c.text)), func(json.RawMessage) error { n++; return nil })
		if n != c.n || found != c.found || (err != nil) != (c.want != "") || err != nil && (!errors.Is(err, errUnavailable) ||
			!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "%!")) {
			t.Errorf("%.60q: %d replies, %t, %v, want %d, %t, %s", c.text, n, found, err, c.n, c.found, c.want)
		}
	}
	broken := errors.New("broken")
	if found, err := replies(strings.NewReader(more+one), func(json.RawMessage) error { return broken }); found ||
		!errors.Is(err, broken) {
		t.Errorf("%t, %v", found, err)
	}
}

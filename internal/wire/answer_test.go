package wire

import (
	"os"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// TestReplyBodyEncodesInBinaryAndJSON checks the body of a reply in both forms: the number of its descriptors, if any,
// the head, and the rest (W-37, W-50).
func TestReplyBodyEncodesInBinaryAndJSON(t *testing.T) {
	why := &WhyBody{Rule: "A-1", Because: "of", Object: "it"}
	for _, c := range []struct {
		status ntstatus.Status
		why    *WhyBody
		rest   string
		files  int
		binary string // after the status
		json   string
	}{
		{0, nil, "", 0, "\x00", `{"Status":0,"Why":null}`},
		{0, nil, `{"A":1}`, 0, "\x00" + `{"A":1}`, `{"Status":0,"Why":null,"Out":{"A":1}}`},
		{3, nil, "", 1, "\x00", `{"Status":3,"Why":null,"Descriptors":1}`},
		{3, nil, "7", 16, "\x007", `{"Status":3,"Why":null,"Descriptors":16,"Out":7}`},
		{1, why, "7", 2, "\x01\x03\x00\x00\x00A-1\x02\x00\x00\x00of\x02\x00\x00\x00it\x007",
			`{"Status":1,"Why":{"Rule":"A-1","Because":"of","Object":"it","Explanation":null},"Descriptors":2,"Out":7}`},
	} {
		a := reply{head: AnswerHead{Status: c.status, Why: c.why}, rest: []byte(c.rest), files: make([]*os.File, c.files)}
		if c.rest == "" {
			a.rest = nil
		}
		want := string([]byte{byte(c.status), 0, 0, 0}) + c.binary
		if c.files > 0 {
			want = string([]byte{byte(c.files)}) + want
		}
		check.Equal(t, string((&Server{}).answered(a)), want, "binary reply body")
		check.Equal(t, string((&Server{form: inJSON}).answered(a)), c.json, "JSON reply body")
	}
}

// TestShortAnswerIsRefused checks that an answer shorter than its header is an error.
func TestShortAnswerIsRefused(t *testing.T) {
	for n := range 5 {
		_, _, err := DecodeAnswer(make([]byte, n))
		check.ErrorIs(t, err, ErrValue, "answer of %d bytes", n)
	}
}

// TestReasonsSurviveEncoding checks that every part of a reason survives encoding. An empty reason has no body.
func TestReasonsSurviveEncoding(t *testing.T) {
	for _, w := range []nt.Why{{}, {Rule: "A-1"}, {Because: "of it"}, {Object: "Event"},
		{Rule: "A-1", Because: "of it", Object: "Event"}, {Explanation: &access.Explanation{}}} {
		b := whyBody(w)
		check.That(t, (b == nil) == reflect.DeepEqual(w, nt.Why{}),
			"reason %+v has a body: %t, want one only if it is not empty", w, b != nil)
		h := AnswerHead{Why: b}
		got := h.Reason()
		check.That(t, got.Rule == w.Rule && got.Because == w.Because && got.Object == w.Object &&
			(got.Explanation == nil) == (w.Explanation == nil),
			"decoding the encoded %+v returned %+v, want it unchanged", w, got)
	}
}

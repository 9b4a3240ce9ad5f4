package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
)

// TestAnswersInFull: the body of an answer: how many descriptors it brings, where it does, the head, and what follows
// it, in both forms (W-37, W-50).
func TestAnswersInFull(t *testing.T) {
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
		if got := string((&Server{}).answered(a)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := string((&Server{form: inJSON}).answered(a)); got != c.json {
			t.Errorf("%s, want %s", got, c.json)
		}
	}
}

// TestBytesOfALength: a field of so many bytes has as many in JSON, in base64 of one form alone (W-36).
func TestBytesOfALength(t *testing.T) {
	c := jsonOf(reflect.TypeFor[[5]byte]())
	for n := range 8 {
		text := `"` + base64.StdEncoding.EncodeToString([]byte("1234567")[:n]) + `"`
		got, err := decodeJSON(c, reflect.TypeFor[[5]byte](), []byte(text))
		if (err == nil) != (n == 5) || n == 5 && got != [5]byte([]byte("12345")) ||
			n != 5 && (!errors.Is(err, ErrValue) || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes, want 5", n))) {
			t.Errorf("%d bytes: %v, %v", n, got, err)
		}
	}
	for _, text := range []string{"null", `"MTIzNDU"`, `"MTIzNDV="`, `"MTIzNDU=\n"`, `"MTIz NDU="`, "12345", "[1,2,3,4,5]",
		""} {
		if got, err := decodeJSON(c, reflect.TypeFor[[5]byte](), []byte(text)); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// TestHelloHasEachRow: a hello has every row once, in its order, in place of those that it is given, and the rest of it
// as it is given but for what names the protocol (W-1, W-5).
func TestHelloHasEachRow(t *testing.T) {
	in := HelloBody{Magic: "other", Version: 9, Profile: 1, Process: 1 << 40, Thread: "p/1", Rows: []RowName{{"x", 1}}}
	want := HelloBody{Magic: "refmon", Version: 1, Profile: 1, Process: 1 << 40, Thread: "p/1"}
	for _, r := range Rows() {
		want.Rows = append(want.Rows, RowName{r.Info().Name, r.Fingerprint})
	}
	for _, f := range []form{inBinary, inJSON} {
		if got, err := DecodeHello(appendHello(f, nil, in)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("form %d: %d rows, %+v, %v", f, len(got.Rows), got.Thread, err)
		}
	}
	for name, change := range map[string]func(*HelloBody){"magic": func(h *HelloBody) { h.Magic = "Refmon" },
		"no magic": func(h *HelloBody) { h.Magic = "" }, "version 0": func(h *HelloBody) { h.Version = 0 },
		"version 2": func(h *HelloBody) { h.Version = 2 }} {
		h := want
		change(&h)
		for _, f := range []form{inBinary, inJSON} {
			if _, err := DecodeHello(helloBody.append(f, nil, h)); !errors.Is(err, ErrValue) {
				t.Errorf("%s, form %d: %v", name, f, err)
			}
		}
	}
}

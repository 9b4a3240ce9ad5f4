package wire

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// TestDifferentTypesHaveDifferentForms checks that types with different encodings or field names have different
// forms, so that rows of two releases match only if they mean the same (W-5).
func TestDifferentTypesHaveDifferentForms(t *testing.T) {
	seen := map[string]int{}
	for i, v := range []any{
		struct{ A uint32 }{}, struct{ B uint32 }{}, struct{ A uint64 }{}, struct{ A int32 }{}, struct{ A, B uint32 }{},
		struct{ B, A uint32 }{}, struct{ A []uint32 }{}, struct{ A [2]uint32 }{}, struct{ A [3]uint32 }{},
		struct{ A *uint32 }{}, struct{ A string }{}, struct{ A []string }{}, struct{ A bool }{},
		struct{ A struct{ A uint32 } }{}, struct{ A struct{ B uint32 } }{}, struct{}{},
	} {
		form := codecLocked(reflect.TypeOf(v)).form
		other, there := seen[form]
		check.That(t, !there, "types %d and %d have the same form %s, want different forms", other, i, form)
		seen[form] = i
	}
}

// A hello has every row once, in order, whatever rows it is given. The rest of it is unchanged except for the
// protocol's name (W-1, W-5).
func TestHelloListsEachRowOnce(t *testing.T) {
	in := HelloBody{Magic: "other", Version: 9, Profile: 1, Process: 1 << 40, Thread: "p/1", Rows: []RowName{{"x", 1}}}
	want := HelloBody{Magic: "refmon", Version: 1, Profile: 1, Process: 1 << 40, Thread: "p/1"}
	for _, r := range Rows() {
		want.Rows = append(want.Rows, RowName{r.Info().Name, r.Fingerprint})
	}
	for _, f := range []form{inBinary, inJSON} {
		if got, err := DecodeHello(appendHello(f, nil, in)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("form %d: decoded %d rows, %+v, %v, want each row once", f, len(got.Rows), got.Thread, err)
		}
	}
	for name, change := range map[string]func(*HelloBody){"magic": func(h *HelloBody) { h.Magic = "Refmon" },
		"no magic": func(h *HelloBody) { h.Magic = "" }, "version 0": func(h *HelloBody) { h.Version = 0 },
		"version 2": func(h *HelloBody) { h.Version = 2 }} {
		h := want
		change(&h)
		for _, f := range []form{inBinary, inJSON} {
			check.ErrorIs(t, check.Err(DecodeHello(helloBody.append(f, nil, h))), ErrValue,
				"hello with %s, form %d", name, f)
		}
	}
}

// TestServiceBehindLastRowIsUnknown checks the number of the last row and the one behind it (W-5).
func TestServiceBehindLastRowIsUnknown(t *testing.T) {
	for i, want := range map[int]bool{len(Rows()) - 1: true, len(Rows()): false} {
		_, ok := rowOf(&Frame{Kind: Call, Service: uint16(i)})
		check.Equal(t, ok, want, "service %d has a row", i)
	}
}

// A call without parameters still has the flag that requests its reason, which is 0 or 1 (W-6).
func TestCallHasItsFlag(t *testing.T) {
	s, service := NewServer(nil, nil), uint16(nt.NtTable.Find("NtTestAlert").Info().Number)
	for body, want := range map[string]error{"": ErrValue, "\x02": ErrValue, "\x00": nil, "\x01": nil} {
		_, err := s.request(&Frame{Kind: Call, Service: service, Body: []byte(body)})
		check.ErrorIs(t, err, want, "call with the body %q", body)
	}
}

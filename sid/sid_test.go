package sid_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Equal returns the same as ==, for every length and every position of a difference.
func TestEqualAgreesWithOperator(t *testing.T) {
	var all []sid.SID
	for n := range sid.MaxSubAuthorities + 1 {
		for other := range n + 1 {
			subs := make([]uint32, n)
			if other < n {
				subs[other] = 1 << (other * 2)
			}
			s, ok := sid.New(5, subs...)
			check.RequireThat(t, ok, "%v", n)
			all = append(all, s)
		}
	}
	all = append(all, sid.SID{}, sid.Everyone)
	for _, a := range all {
		for _, b := range all {
			if b = b.Clone(); a.Equal(b) != (a == b) {
				t.Errorf("Equal(%v, %v) = %v, want %v as ==", a, b, a.Equal(b), a == b)
			}
		}
	}
}

func ExampleSID_EqualPrefix() {
	alice, bob := sid.MustParse("S-1-5-21-1-2-3-1107"), sid.MustParse("S-1-5-21-1-2-3-1108")
	fmt.Println(alice.EqualPrefix(bob), alice.EqualPrefix(sid.MustParse("S-1-5-21-1-2-4-1107")))
	// Output: true false
}

// Bytes that are not a SID are refused with STATUS_INVALID_SID, without a result (S-1, S-2).
func TestMalformedSIDIsRefused(t *testing.T) {
	for _, text := range []string{"", "\x01", "\x01\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x05",
		"\x02\x00\x00\x00\x00\x00\x00\x05", "\x01\x10\x00\x00\x00\x00\x00\x05",
		"\x01\x01\x00\x00\x00\x00\x00\x05\x01\x00\x00", // and one sub-authority too many:
		"\x01\x10\x00\x00\x00\x00\x00\x05" + string(make([]byte, 64))} {
		s, n, st := sid.DecodeString(text)
		check.That(t, st == ntstatus.InvalidSID && n == 0 && s.IsZero(),
			"DecodeString(% x) = %v, %d, %v, want STATUS_INVALID_SID and nothing else", text, s, n, st)
		if s, n, err := sid.Decode([]byte(text)); !errors.Is(err, sid.ErrInvalid) || n != 0 || !s.IsZero() {
			t.Errorf("Decode(% x) = %v, %d, %v, want ErrInvalid and nothing else", text, s, n, err)
		}
	}
	raw := []byte(sid.Everyone.Binary())
	copied, _, _ := sid.Decode(raw)
	raw[8]++ // Decode has copied it
	check.Equal(t, copied, sid.Everyone, "decoded SID, after its bytes changed")
	whole := "\x01\x0f\x00\x00\x00\x00\x00\x05" + string(make([]byte, 60))
	if s, n, st := sid.DecodeString(whole + "more"); st != ntstatus.Success || n != 68 || s.Binary() != whole {
		t.Errorf("SID of fifteen sub-authorities: %d bytes decoded, %v, want 68 and success", n, st)
	}
}

// New accepts a SID of the maximum size and refuses a larger one (S-1).
func TestNewAcceptsAtMost15SubAuthorities(t *testing.T) {
	most, ok := sid.New(1<<48-1, make([]uint32, 15)...)
	if !ok || most.SubAuthorities() != 15 || most.Authority() != 1<<48-1 || !most.WithRID(1).IsZero() {
		t.Errorf("New = %v, %v, with one more sub-authority %v, want 15 sub-authorities, then the zero SID",
			most, ok, most.WithRID(1))
	}
	for name, f := range map[string]func() (sid.SID, bool){
		"sixteen parts": func() (sid.SID, bool) { return sid.New(5, make([]uint32, 16)...) },
		"an authority":  func() (sid.SID, bool) { return sid.New(1 << 48) },
		"both":          func() (sid.SID, bool) { return sid.New(1<<63, make([]uint32, 16)...) },
	} {
		if s, ok := f(); ok || !s.IsZero() {
			t.Errorf("New with %s = %v, %v, want the zero SID and false", name, s, ok)
		}
	}
	if s := (sid.SID{}).WithRID(1); !s.IsZero() {
		t.Errorf("WithRID on the zero SID = %v, want the zero SID", s)
	}
	none, _ := sid.New(5)
	check.That(t, (sid.SID{}).String() == "" && (sid.SID{}).RtlString() == "", "the zero SID has a text, want none")
	check.That(t, none.RID() == 0 && none.Prefix().IsZero() && (sid.SID{}).RID() == 0 && (sid.SID{}).Authority() == 0,
		"RID, Prefix or Authority of an empty SID is set, want zero values")
	check.Equal(t, sid.MustParse("S-1-5-18").Prefix(), none, "Prefix of a SID with one sub-authority")
	check.That(t, sid.MustParse("S-1-5-7").Sub(0) == 7 && sid.MustParse("S-1-5-7-9").RID() == 9 &&
		sid.MustParse("S-1-5-7").RID() == 7 && sid.MustParse("S-1-15-2-1-2-3-4-5-6-7").RID() == 7,
		"RID or Sub returned the wrong sub-authority, want the last one, and 7 for Sub(0)")
	for _, i := range []int{-3, -2, -1, 1} {
		func() {
			defer func() { check.That(t, recover() != nil, "Sub(%d) of S-1-5-7 did not panic, want a panic", i) }()
			_ = sid.MustParse("S-1-5-7").Sub(i)
		}()
	}
}

// SIDs are ordered by authority, then by sub-authorities, then by their number. The order is total (S-3).
func TestCompareIsATotalOrder(t *testing.T) {
	var all []sid.SID
	for _, s := range []string{"S-1-1-0", "S-1-5-1", "S-1-5-1-0", "S-1-5-1-0-7", "S-1-5-1-1", "S-1-5-2", "S-1-5-2-0",
		"S-1-5-4294967295", "S-1-15-2-1", "S-1-4294967296-1"} {
		all = append(all, sid.MustParse(s))
	}
	for i, a := range all {
		for j, b := range all {
			if got := a.Compare(b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("Compare(%v, %v) = %d, want the order of the list", a, b, got)
			}
		}
	}
}

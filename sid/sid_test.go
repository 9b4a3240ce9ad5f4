package sid_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Equal says what == says, whatever the length, and wherever the difference is.
func TestEqualAgreesWithOperator(t *testing.T) {
	var all []sid.SID
	for n := range sid.MaxSubAuthorities + 1 {
		for other := range n + 1 {
			subs := make([]uint32, n)
			if other < n {
				subs[other] = 1 << (other * 2)
			}
			s, ok := sid.New(5, subs...)
			if !ok {
				t.Fatal(n)
			}
			all = append(all, s)
		}
	}
	all = append(all, sid.SID{}, sid.Everyone)
	for _, a := range all {
		for _, b := range all {
			if b = b.Clone(); a.Equal(b) != (a == b) {
				t.Errorf("Equal(%v, %v) is %v", a, b, a.Equal(b))
			}
		}
	}
}

func ExampleSID_EqualPrefix() {
	alice, bob := sid.MustParse("S-1-5-21-1-2-3-1107"), sid.MustParse("S-1-5-21-1-2-3-1108")
	fmt.Println(alice.EqualPrefix(bob), alice.EqualPrefix(sid.MustParse("S-1-5-21-1-2-4-1107")))
	// Output: true false
}

// What is no SID has STATUS_INVALID_SID, and no SID beside it (S-1, S-2).
func TestMalformedSIDIsRefused(t *testing.T) {
	for _, text := range []string{"", "\x01", "\x01\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x05",
		"\x02\x00\x00\x00\x00\x00\x00\x05", "\x01\x10\x00\x00\x00\x00\x00\x05",
		"\x01\x01\x00\x00\x00\x00\x00\x05\x01\x00\x00"} {
		s, n, st := sid.DecodeString(text)
		if st != ntstatus.InvalidSID || n != 0 || !s.IsZero() {
			t.Errorf("% x: %v, %d, %v", text, s, n, st)
		}
		if s, n, err := sid.Decode([]byte(text)); !errors.Is(err, sid.ErrInvalid) || n != 0 || !s.IsZero() {
			t.Errorf("% x: %v, %d, %v", text, s, n, err)
		}
	}
	whole := "\x01\x0f\x00\x00\x00\x00\x00\x05" + string(make([]byte, 60))
	if s, n, st := sid.DecodeString(whole + "more"); st != ntstatus.Success || n != 68 || s.Binary() != whole {
		t.Errorf("fifteen sub-authorities: %d, %v", n, st)
	}
}

// The most that a SID holds, and one more (S-1).
func TestNewAcceptsAtMost15SubAuthorities(t *testing.T) {
	most, ok := sid.New(1<<48-1, make([]uint32, 15)...)
	if !ok || most.SubAuthorities() != 15 || most.Authority() != 1<<48-1 || !most.WithRID(1).IsZero() {
		t.Errorf("%v, %v, with one more %v", most, ok, most.WithRID(1))
	}
	for name, f := range map[string]func() (sid.SID, bool){
		"sixteen parts": func() (sid.SID, bool) { return sid.New(5, make([]uint32, 16)...) },
		"an authority":  func() (sid.SID, bool) { return sid.New(1 << 48) },
		"both":          func() (sid.SID, bool) { return sid.New(1<<63, make([]uint32, 16)...) },
	} {
		if s, ok := f(); ok || !s.IsZero() {
			t.Errorf("%s: %v, %v", name, s, ok)
		}
	}
	if s := (sid.SID{}).WithRID(1); !s.IsZero() {
		t.Errorf("a RID of no domain: %v", s)
	}
	none, _ := sid.New(5)
	if none.RID() != 0 || !none.Prefix().IsZero() || (sid.SID{}).RID() != 0 || (sid.SID{}).Authority() != 0 {
		t.Error("parts that are not there")
	}
	if sid.MustParse("S-1-5-7").Sub(0) != 7 || sid.MustParse("S-1-5-7-9").RID() != 9 ||
		sid.MustParse("S-1-5-7").RID() != 7 {
		t.Error("the last part")
	}
	for _, i := range []int{-3, -2, -1, 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("S-1-5-7 has a sub-authority %d", i)
				}
			}()
			_ = sid.MustParse("S-1-5-7").Sub(i)
		}()
	}
}

// S-3: the order is that of authorities, then of the parts, then of their number; it is
// one order.
func TestCompareIsATotalOrder(t *testing.T) {
	var all []sid.SID
	for _, s := range []string{"S-1-1-0", "S-1-5-1", "S-1-5-1-0", "S-1-5-1-0-7", "S-1-5-1-1", "S-1-5-2", "S-1-5-2-0",
		"S-1-5-4294967295", "S-1-15-2-1", "S-1-4294967296-1"} {
		all = append(all, sid.MustParse(s))
	}
	for i, a := range all {
		for j, b := range all {
			if got := a.Compare(b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%v beside %v: %d", a, b, got)
			}
		}
	}
}

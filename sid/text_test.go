package sid_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Parse gives the documented bytes, and String the canonical text (S-1, S-7, S-8).
func TestParseAndPrint(t *testing.T) {
	for _, c := range []struct{ id, text, hex, print string }{
		{"C-01", "S-1-5-32-544", "01020000000000052000000020020000", "S-1-5-32-544"},
		{"C-04", "S-1-4294967295-1", "01010000ffffffff01000000", "S-1-4294967295-1"},
		{"C-05", "S-1-4294967296-1", "010100010000000001000000", "S-1-0x100000000-1"},
		{"C-06", "S-1-5000000000-30-40", "010200012a05f2001e00000028000000", "S-1-0x12a05f200-30-40"},
		{"C-08", "S-1-3-4294967296-3-4", "0103000000000003 ffffffff0300000004000000", "S-1-3-4294967295-3-4"},
		{"S-7 octal", "S-01-05-020-0243", "0102000000000005 14000000f3000000", "S-1-5-20-243"},
		{"S-80 hexadecimal revision", "S-0x1-5-20-243", "0102000000000005 2000000043020000", "S-1-5-32-579"},
		{"S-9a", "ba", "01020000000000052000000020020000", "S-1-5-32-544"},
	} {
		t.Run(c.id, func(t *testing.T) {
			s := check.Must(sid.Parse(c.text))
			if got, want := hex.EncodeToString([]byte(s.Binary())), strings.ReplaceAll(c.hex, " ", ""); got != want {
				t.Errorf("encoded SID %s, want %s", got, want)
			}
			check.That(t, s.String() == c.print, "printed as %s, want %s", s, c.print)
		})
	}
	if a, b := sid.MustParse("S-1-0x500000000-32-579"), sid.MustParse("S-1-21474836480-32-579"); a != b { // C-07
		t.Errorf("C-07: hexadecimal and decimal authority: %v and %v, want equal SIDs", a, b)
	}
	if got := sid.MustParse("S-1-5000000000-30-40").RtlString(); got != "S-1-0x00012a05f200-30-40" { // S-6
		t.Errorf("S-6: the padded form is %s, want S-1-0x00012a05f200-30-40", got)
	}
}

// C-02, C-03: fifteen sub-authorities and no more; S-7.
func TestSubAuthorityLimit(t *testing.T) {
	text := "S-1-5"
	for i := 1; i <= 15; i++ {
		text += fmt.Sprintf("-%d", i)
	}
	if s, err := sid.Parse(text); err != nil || s.Len() != 68 || s.String() != text {
		t.Fatalf("C-02: Parse = %v, %v, want %s with 68 bytes", s, err, text)
	}
	_, err := sid.Parse(text + "-16")
	var se *sid.SyntaxError
	check.RequireThat(t, errors.As(err, &se) && se.Status() == ntstatus.InvalidSID && se.Offset == len(text)+1,
		"C-03: Parse of sixteen sub-authorities: %v, want STATUS_INVALID_SID at the sixteenth", err)
	check.That(t, errors.Is(err, sid.ErrInvalid), "error = %v, want one that wraps %v", err, sid.ErrInvalid)
}

func TestParseRejectsMalformedText(t *testing.T) {
	for _, text := range []string{"", "S", "S-", "S-1", "S-1-", "S-1-1", "S-1-1-", "S-1-5-x", "S-1-5-0x-1", "S-1-5-0x",
		"S-1-5-0xg", "S-1-0x-1", "S-0x-5-18", "S-0x1-5-0x", "S-1--5", "S-1-x-5", "S-1- 5-18", "S--5-18",
		"S-1-281474976710656-1", "S-2-5-32", "S-1-5--1", "XX", "QQQ", "DA", "X-1-5-18",
		"S-1-5-9x20", "S-1-5-32-544 ", "S-1-5-32-544D:"} {
		s, err := sid.Parse(text)
		var e *sid.SyntaxError
		check.That(t, errors.As(err, &e) && s.IsZero() && e.Text == text && e.Want != "" && e.Offset <= len(text),
			"Parse(%q) = %v, %v, want an error that names the text and what is wanted", text, s, err)
	}
}

// The error of Parse names the offset of the first text that does not belong to a SID.
func TestSyntaxErrorHasOffset(t *testing.T) {
	for text, want := range map[string]int{"S-": 2, "S-1-x-5": 4, "S-1-281474976710656-1": 4, "S-1-5-x": 6,
		"S-1-5-18x": 8} {
		var e *sid.SyntaxError
		check.That(t, errors.As(check.Err(sid.Parse(text)), &e) && e.Offset == want, "Parse(%q): %+v, want offset %d", text,
			e, want)
	}
}

// S-80, S-8: the strict reader refuses what the other one repairs.
func TestParseStrictRefusesRepairedText(t *testing.T) {
	for _, text := range []string{"s-1-5-32-544", "S-01-5-32-544", "S-1-5-032-544", "S-1-5-0x20-544", "S-0x1-5-20-243",
		"S-1-3-4294967296-3-4", "ba", "S-1-0x5-1"} {
		s, err := sid.ParseStrict(text)
		check.That(t, err != nil, "ParseStrict(%q) = %v, want an error", text, s)
	}
	for _, text := range []string{"S-1-5-32-544", "BA", "S-1-0x100000000-1"} {
		if _, err := sid.ParseStrict(text); err != nil {
			t.Error(err)
		}
	}
}

// A D before a colon belongs to the next section, not to the SID (S-9).
func TestScanStopsAtTag(t *testing.T) {
	for text, want := range map[string]string{"S-1-2-0x200D:": "S-1-2-512", "S-1-2-0xDD:": "S-1-2-13",
		"S-1-2-0x2D": "S-1-2-45", "S-1-2-0xD:": "S-1-2-13", "S-1-5-18D:": "S-1-5-18", "BAG:SY": "S-1-5-32-544",
		"S-1-2-0x2DA": "S-1-2-730", "S-1-2-0x2A:": "S-1-2-42"} {
		s, _, err := sid.Scan(text, sid.SID{})
		check.That(t, err == nil && s.String() == want, "%q: %v, %v, want %s", text, s, err, want)
	}
}

// An x without a hexadecimal digit after it does not belong to the number, so the SID ends after the 0 (S-80).
func TestScanStopsAtBareX(t *testing.T) {
	for text, want := range map[string]int{"S-1-5-0x": 7, "S-1-5-0xg": 7, "S-1-5-0X-1": 7, "S-1-5-18-0x)": 10,
		"S-1-5-0xf": 9} {
		s, n, err := sid.Scan(text, sid.SID{})
		check.That(t, err == nil && n == want && (text[want-1] != '0' || s.Sub(s.SubAuthorities()-1) == 0),
			"Scan(%q) = %v, %d bytes, %v, want %d bytes", text, s, n, err, want)
	}
}

// The alias of an account of a domain needs the domain (S-10).
func TestDomainAliasNeedsDomain(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	s, err := sid.Resolve("DU", domain)
	check.RequireThat(t, err == nil && s.String() == "S-1-5-21-1-2-3-513", "%v %v", s, err)
	if a := sid.Alias(s, domain); a != "DU" {
		t.Errorf(`Alias = %q, want "DU"`, a)
	}
	if a := sid.Alias(s, sid.MustParse("S-1-5-21-1-2-4")); a != "" {
		t.Errorf(`Alias with another domain = %q, want ""`, a)
	}
	bare, _ := sid.New(5)
	check.Equal(t, sid.Alias(bare, domain), "", "Alias of a SID without sub-authorities")
	check.That(t, sid.Name(s) == "Domain Users" && sid.Name(sid.Administrators) == "Administrators" &&
		sid.Name(sid.MustParse("S-1-9-9")) == "", "Name of Domain Users, Administrators or an unknown SID is wrong")
	// Domain Admins is 512 in a domain, that is, below S-1-5-21 and three numbers, and nowhere else.
	for text, want := range map[string]string{"S-1-5-21-1-2-3-512": "Domain Admins", "S-1-5-22-1-2-3-512": "",
		"S-1-4-21-1-2-3-512": "", "S-1-5-21-1-2-512": "", "S-1-5-21-1-2-3-4-512": "", "S-1-5-21-1-2-3-511": ""} {
		if a, n := sid.Account(sid.MustParse(text)); a != "" || n != want {
			t.Errorf("Account(%s) = %q, %q, want %q", text, a, n, want)
		}
	}
	if a, n := sid.Account(sid.LocalSystem); a != "NT AUTHORITY" || n != "SYSTEM" {
		t.Errorf("Account(LocalSystem) = %q, %q, want NT AUTHORITY, SYSTEM", a, n)
	}
	for s, name := range sid.WellKnown {
		if name == "" || sid.Name(s) != name {
			t.Errorf("well-known SID %v has the names %q and %q, want equal ones", s, name, sid.Name(s))
		}
		if a := sid.Alias(s, sid.SID{}); a != "" {
			again, err := sid.ParseAlias(a, sid.SID{})
			check.That(t, err == nil && again == s, "alias %s parsed as %v, %v, want %v, nil", a, again, err, s)
		}
	}
	for alias, want := range map[string]bool{"DU": true, "du": true, "BA": false, "XX": false, "": false} {
		_, err := sid.ParseAlias(alias, sid.SID{})
		check.Equal(t, errors.Is(err, sid.ErrNoDomain), want, "S-10: %s without a domain: %v is ErrNoDomain", alias, err)
		check.That(t, !errors.Is(err, errors.ErrUnsupported), "%s without a domain: %v is another error", alias, err)
		var e *sid.SyntaxError
		check.That(t, alias == "BA" && err == nil || errors.As(err, &e) && e.Text == alias,
			"ParseAlias(%q): %v, want an error with this text, and none for BA", alias, err)
	}
}

func TestTextMarshalingRoundTrips(t *testing.T) {
	var s sid.SID
	if err := s.UnmarshalText([]byte("BA")); err != nil || s != sid.Administrators {
		t.Fatal(s, err)
	}
	b, _ := s.MarshalText()
	check.That(t, string(b) == "S-1-5-32-544", "MarshalText = %s, want S-1-5-32-544", b)
	check.That(t, s.UnmarshalText(nil) == nil && s.IsZero(), "UnmarshalText(nil) must give the zero SID and no error")
	if b, _ := s.MarshalText(); len(b) != 0 || s.String() != "" || s.RtlString() != "" {
		t.Error("the zero SID must have an empty text")
	}
	check.That(t, s.UnmarshalText([]byte("x")) != nil, "UnmarshalText(\"x\") returned no error, want one")
}

// The functions on a SID value: prefix, order, equality and bytes (S-2, S-3, S-4, S-5).
func TestSIDComparesByPrefixAndBytes(t *testing.T) {
	a, b := sid.MustParse("S-1-5-21-1-2-3-500"), sid.MustParse("S-1-5-21-1-2-3-501")
	check.That(t, a.EqualPrefix(b) && !a.EqualPrefix(a.Prefix()) && a != b && a.Compare(b) < 0 && b.Compare(a) > 0 &&
		a.Compare(a) == 0, "S-3, S-4: EqualPrefix or Compare is wrong for two SIDs of one domain")
	empty, ok := sid.New(5)
	check.That(t, ok && !empty.EqualPrefix(empty) && empty.Len() == 8 && empty.String() == "S-1-5",
		"S-5: want a SID without sub-authorities to have 8 bytes, the text S-1-5 and no prefix")
	otherAuthority := sid.MustParse("S-1-6-21-1-2-3-500")
	for _, o := range []sid.SID{{}, empty, sid.Everyone, a.Prefix(), a.WithRID(1), otherAuthority} {
		check.That(t, !a.EqualPrefix(o) && !o.EqualPrefix(a), "S-4: EqualPrefix(%v, %v) = true, want false", a, o)
	}
	for _, c := range []struct {
		hex string
		ok  bool
	}{{"0100000000000005", true}, {"0200000000000005", false}, {"1100000000000005", false}, {"0110000000000005", false},
		{"01010000000000051200", false}, {"01000000000000", false}} {
		in, _ := hex.DecodeString(c.hex)
		_, _, err := sid.Decode(in) // S-1, S-2
		check.That(t, (err == nil) == c.ok, "Decode(%s): %v, want accepted = %t", c.hex, err, c.ok)
	}
	check.That(t, a.Prefix().WithRID(500) == a && a.RID() == 500,
		"Prefix, WithRID and RID do not agree, want the same SID and RID 500")
}

// twin parses the canonical text with simple code.
func twin(text string) (auth uint64, subs []uint32, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) < 4 || parts[0] != "S" || parts[1] != "1" {
		return 0, nil, false
	}
	if _, err := fmt.Sscan(parts[2], &auth); err != nil {
		return 0, nil, false
	}
	for _, p := range parts[3:] {
		var v uint32
		if _, err := fmt.Sscan(p, &v); err != nil {
			return 0, nil, false
		}
		subs = append(subs, v)
	}
	return auth, subs, true
}

func TestParseMatchesTwin(t *testing.T) {
	seed := randtest.Seed(t)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20000 {
		auth := r.Uint64() >> (16 + r.IntN(48))
		subs := make([]uint32, 1+r.IntN(15))
		for i := range subs {
			subs[i] = r.Uint32() >> r.IntN(32)
		}
		s, _ := sid.New(auth, subs...)
		got, err := sid.ParseStrict(s.String())
		check.RequireThat(t, err == nil && got == s, "%v parsed as %v, %v, want %v, nil", s, got, err, s)
		a, ss, ok := twin(s.String())
		w, _ := sid.New(a, ss...)
		check.RequireThat(t, ok && w == s, "%v: twin parsed it as %v, want the same SID", s, w)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("S-1-5-32-544")         // ordinary
	f.Add("S-0x1-5-20-243")       // hexadecimal revision
	f.Add("S-1-0xffffffffffff-1") // largest authority
	f.Add("S-1-3-4294967296-3-4") // saturates
	f.Add("S-1-2-0x200D:")        // tag after hexadecimal digits
	f.Add("Ba")                   // alias
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sid.Parse(text)
		if err != nil {
			return
		}
		again, err := sid.ParseStrict(s.String())
		check.RequireThat(t, err == nil && again == s,
			"%q: %v parsed again as %v, %v, want %v, nil", text, s, again, err, s)
		b, n, err := sid.Decode([]byte(s.Binary()))
		check.RequireThat(t, err == nil && n == s.Len() && b == s,
			"%q: encoded bytes decoded as %v, %v, want the same SID", text, b, err)
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sid.Parse("S-1-5-21-1225132014-296224811-2507946102-513")
	}
}

func TestParseAllocatesOnce(t *testing.T) {
	n := testing.AllocsPerRun(100, func() { _, _ = sid.Parse("S-1-5-21-1225132014-296224811-2507946102-513") })
	check.That(t, n <= 1, "Parse made %v allocations, want at most 1", n)
}

func ExampleParse() {
	s, err := sid.Parse("S-1-5-32-544")
	fmt.Println(s, sid.Name(s), s.RID(), err)
	fmt.Println(check.Err(sid.Parse("S-1-5")))
	// Output:
	// S-1-5-32-544 Administrators 544 <nil>
	// SID "S-1-5": at byte 5: want at least one sub-authority
}

func ExampleSID_RtlString() {
	s := sid.MustParse("S-1-0x100000000-5")
	fmt.Println(s, s.RtlString())
	// Output: S-1-0x100000000-5 S-1-0x000100000000-5
}

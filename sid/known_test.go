package sid_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// TestAliases: each alias of SDDL stands for the SID that [MS-DTYP] 2.4.2.4 and the page
// "SID Strings" name; those of a domain follow it.
func TestAliases(t *testing.T) {
	const domain = "S-1-5-21-1-2-3"
	for alias, want := range map[string]string{"AA": "S-1-5-32-579", "AC": "S-1-15-2-1", "AN": "S-1-5-7",
		"AO": "S-1-5-32-548",
		"AS": "S-1-18-1", "AU": "S-1-5-11", "BA": "S-1-5-32-544", "BG": "S-1-5-32-546", "BO": "S-1-5-32-551",
		"BU": "S-1-5-32-545", "CD": "S-1-5-32-574", "CG": "S-1-3-1", "CO": "S-1-3-0", "CY": "S-1-5-32-569",
		"ED": "S-1-5-9",
		"ER": "S-1-5-32-573", "ES": "S-1-5-32-576", "HA": "S-1-5-32-578", "HI": "S-1-16-12288", "IS": "S-1-5-32-568",
		"IU": "S-1-5-4", "LS": "S-1-5-19", "LU": "S-1-5-32-559", "LW": "S-1-16-4096", "ME": "S-1-16-8192",
		"MP": "S-1-16-8448", "MS": "S-1-5-32-577", "MU": "S-1-5-32-558", "NO": "S-1-5-32-556", "NS": "S-1-5-20",
		"NU": "S-1-5-2", "OW": "S-1-3-4", "PO": "S-1-5-32-550", "PS": "S-1-5-10", "PU": "S-1-5-32-547",
		"RA": "S-1-5-32-575", "RC": "S-1-5-12", "RD": "S-1-5-32-555", "RE": "S-1-5-32-552", "RM": "S-1-5-32-580",
		"RU": "S-1-5-32-554", "SI": "S-1-16-16384", "SO": "S-1-5-32-549", "SS": "S-1-18-2", "SU": "S-1-5-6",
		"SY": "S-1-5-18",
		"UD": "S-1-5-84-0-0-0-0-0", "WD": "S-1-1-0", "WR": "S-1-5-33",
		"AP": domain + "-525", "CA": domain + "-517", "CN": domain + "-522", "DA": domain + "-512",
		"DC": domain + "-515",
		"DD": domain + "-516", "DG": domain + "-514", "DU": domain + "-513", "EA": domain + "-519",
		"EK": domain + "-527",
		"KA": domain + "-526", "LA": domain + "-500", "LG": domain + "-501", "PA": domain + "-520",
		"RO": domain + "-498",
		"RS": domain + "-553", "SA": domain + "-518",
	} {
		got, n, err := sid.Scan(alias, sid.MustParse(domain))
		if err != nil || n != 2 || got.String() != want {
			t.Errorf("%s: %v, %d, %v, want %s", alias, got, n, err, want)
		}
		if back := sid.Alias(got, sid.MustParse(domain)); back != alias {
			t.Errorf("the alias of %s is %q, want %s", want, back, alias)
		}
	}
	for _, other := range []string{domain, domain + "-512-1", "S-1-5-21-1-2-4-512", "S-1-5-22-1-2-3-512",
		"S-1-6-21-1-2-3-512",
		"S-1-5-21-1-2-512", domain + "-511"} {
		if got := sid.Alias(sid.MustParse(other), sid.MustParse(domain)); got != "" {
			t.Errorf("%s has the alias %q", other, got)
		}
	}
	if got := sid.Alias(sid.MustParse(domain+"-512"), sid.SID{}); got != "" {
		t.Errorf("without a domain: %q", got)
	}
}

// What is no SID has STATUS_INVALID_SID, and no SID beside it (S-1, S-2).
func TestDecodeStatuses(t *testing.T) {
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
func TestNewAtItsBounds(t *testing.T) {
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
}

// S-3: the order is that of authorities, then of the parts, then of their number; it is
// one order.
func TestOrder(t *testing.T) {
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

package sddl_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// Each syntax error has its status and offset (S-14, S-31, S-41, S-42, S-43).
func TestParseErrorsHaveStatusAndOffset(t *testing.T) {
	for _, c := range []struct {
		id, text string
		status   ntstatus.Status
		offset   int
	}{
		{"C-10 a", "O:S-1-1", ntstatus.InvalidSID, 7},
		{"C-10 b", "O:S-1-", ntstatus.InvalidSID, 6},
		{"C-10 c", "O:S", ntstatus.InvalidSID, 2},
		{"C-10 d", "O:XX", ntstatus.InvalidSID, 2},
		{"C-10 e", "O:", ntstatus.InvalidSID, 2},
		{"C-10, group", "G:", ntstatus.InvalidSID, 2},
		{"C-31 braces", "D:(OA;;CR;{ab721a53-1e2f-11d0-9819-00aa0040529b};;WD)", ntstatus.InvalidStringUUID, 10},
		{"C-31 digits", "D:(OA;;CR;ab721a531e2f11d0981900aa0040529b;;WD)", ntstatus.InvalidStringUUID, 10},
		{"C-31 space", "D:(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b ;;WD)", ntstatus.InvalidStringUUID, 10},
		{"C-31 digits where no GUID is allowed", "D:(A;;GA;xyz;;WD)", ntstatus.InvalidStringUUID, 9},
		{"S-41 blank before a GUID", "D:(OA;;CR; ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)", ntstatus.InvalidStringUUID, 11},
		{"S-41 blank before the second GUID", "D:(OA;;CR;; ab721a53-1e2f-11d0-9819-00aa0040529b;WD)",
			ntstatus.InvalidStringUUID, 12},
		{"S-41 blank before a GUID in a SACL", "S:(OU;SA;CR; ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)",
			ntstatus.InvalidStringUUID, 13},
		{"S-41 blank after the second GUID", "S:(OU;SA;CR;;ab721a53-1e2f-11d0-9819-00aa0040529b ;WD)",
			ntstatus.InvalidStringUUID, 13},
		{"S-38 half a name after a number", "D:(A;;0x1G;;;WD)", ntstatus.InvalidACL, 9},
		{"S-38 half a number after a name", "D:(A;;GR0x;;;WD)", ntstatus.InvalidACL, 9},
		{"S-38 octal digit", "D:(A;;GR08;;;WD)", ntstatus.InvalidACL, 9},
		{"S-38 octal number with an 8", "D:(A;;0758;;;WD)", ntstatus.InvalidACL, 9},
		{"S-38 octal number, then a decimal one", "D:(A;;07 9;;;WD)", ntstatus.InvalidACL, 8},
		{"S-31 no attribute", "S:(RA;;;;;WD)", ntstatus.InvalidACL, 12},
		{"no condition", "D:(XA;;GA;;;WD)", ntstatus.InvalidACL, 14},
		{"S-45 a number as type", "D:(0x00;;GA;;;WD)", ntstatus.InvalidACL, 3},
		{"S-45 an entry as bytes", "D:(XA;;GA;;;WD;#61727478)", ntstatus.InvalidACL, 15},
		{"S-38 sign alone", "D:(A;;GR-;;;WD)", ntstatus.InvalidACL, 9},
		{"S-41 blank before a number", "D:(A;;GR 0x1;;;WD)", ntstatus.InvalidACL, 9},
		{"S-41 blank after a number", "D:(A;;0x1 GR;;;WD)", ntstatus.InvalidACL, 9},
		{"C-33", "D:(AU;SA;CR;;;BA)", ntstatus.InvalidACL, 3},
		{"C-45", "D:(XA;;CC;;;WD;(! Member_of{SID(BA)}))", ntstatus.InvalidACL, 18},
		{"C-46", "D:(XA;;CC;;;WD;(a == a))", ntstatus.InvalidACL, 21},
		{"C-47", "D:(XA;;CC;;;WD;(@User.Title == !(@User.Title)))", ntstatus.InvalidACL, 31},
		{"C-48", "D:(XA;;CC;;;WD;(@Device.bb == 0x10000000000000000))", ntstatus.InvalidACL, 30},
		{"C-51", `S:(RA;;;;;BA;("a",TS,0,"x"))`, ntstatus.InvalidACL, 10},
		{"C-52", `S:(RA;;;;;WD;("a",TB,0,2))`, ntstatus.InvalidACL, 23},
		{"S-31 mask", `S:(RA;;CC;;;WD;("a",TS,0,"x"))`, ntstatus.InvalidACL, 7},
		{"C-54 a", "D:(A;;GA;;;LG", ntstatus.InvalidACL, 13},
		{"S-12 a GUID in a plain entry", "D:(A;;GA;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)", ntstatus.InvalidACL, 9},
		{"S-12 inherited type, plain entry", "D:(A;;GA;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)", ntstatus.InvalidACL, 10},
		{"no type", "D:(;;GA;;;WD)", ntstatus.InvalidACL, 3},
		{"two types", "D:(AD;;GA;;;WD)", ntstatus.InvalidACL, 3},
		{"no type in a SACL", "S:(;SA;GA;;;WD)", ntstatus.InvalidACL, 3},
		{"the text ends before a type", "D:(", ntstatus.InvalidACL, 3},
		{"the text ends after a type", "D:(A", ntstatus.InvalidACL, 3},
		{"the text ends before flags", "D:(A;", ntstatus.InvalidACL, 5},
		{"the text ends after flags", "D:(A;OI", ntstatus.InvalidACL, 7},
		{"the text ends before rights", "D:(A;;", ntstatus.InvalidACL, 6},
		{"the text ends after rights", "D:(A;;GA", ntstatus.InvalidACL, 6},
		{"the text ends before a GUID", "D:(A;;GA;", ntstatus.InvalidACL, 9},
		{"the text ends before an inherited type", "D:(A;;GA;;", ntstatus.InvalidACL, 10},
		{"the text ends before a trustee", "D:(A;;GA;;;", ntstatus.InvalidACL, 11},
		{"the text ends before a condition", "D:(XA;;GA;;;WD;", ntstatus.InvalidACL, 15},
		{"the text ends in a condition", "D:(XA;;GA;;;WD;(a", ntstatus.InvalidACL, 17},
		{"wrong character after a type", "D:(A,;GA;;;WD)", ntstatus.InvalidACL, 3},
		{"a word in place of a condition", "D:(XA;;GA;;;WD;a)", ntstatus.InvalidACL, 15},
		{"C-54 b", "D:(A;;GA;;)", ntstatus.InvalidACL, 10},
		{"C-54 c", "D:((A;;GA;;;LG))", ntstatus.InvalidACL, 3},
		{"C-54 d", "D:(A;;GA;;;LG;)", ntstatus.InvalidACL, 13},
		{"C-55", "ERROR:(D;;GA;;;WD)", ntstatus.InvalidParameter, 0},
		{"C-57 a", "D:(D;;GA ;;;WD)", ntstatus.InvalidACL, 9},
		{"C-57 type", "D:(D ;;GA;;;WD)", ntstatus.InvalidACL, 3},
		{"S-14", "S:(A;;GA;;;WD)", ntstatus.InvalidACL, 3},
		{"S-42 twice", "D:D:", ntstatus.InvalidACL, 2},
		{"S-42 twice, apart", "D:S:D:", ntstatus.InvalidACL, 4},
		{"S-42 an owner twice, apart", "O:BAD:O:BA", ntstatus.InvalidACL, 6},
		{"S-42 text after", "D:(A;;GA;;;WD)x", ntstatus.InvalidACL, 14},
		{"S-42 P:", "D:P:S:", ntstatus.InvalidACL, 3},
		{"S-43 tag", "Q:(A;;GA;;;RU)", ntstatus.InvalidParameter, 0},
		{"S-43 after a SACL", "S:(AU;SA;GA;;;WD)x", ntstatus.InvalidACL, 17},
		{"S-41 lower case", "d:(A;;GA;;;LG)", ntstatus.InvalidParameter, 0},
	} {
		t.Run(c.id, func(t *testing.T) {
			wantSyntax(t, c.text, check.Err(sddl.Parse(c.text, opt)), c.status, c.offset)
		})
	}
	check.Equal(t, ntstatus.UnknownRevision.Win32(), 1305, "C-56: Win32 code")
	_, err := sddl.Parse("O:")
	check.Equal(t, fmt.Sprint(err), "SDDL: at byte 2: want S-1-… or a two-letter alias, found the end: "+
		"STATUS_INVALID_SID", "error at the end")
	_, err = sddl.Parse("D:(A;;GA;;;WD)x")
	check.That(t, strings.HasSuffix(err.Error(), `found "x": STATUS_INVALID_ACL`), "error at the last byte: %v", err)
	_, err = sddl.Parse(strings.Repeat("x", 50))
	check.That(t, strings.HasSuffix(err.Error(), `found "`+strings.Repeat("x", 20)+`": STATUS_INVALID_PARAMETER`),
		"error in a long text: %v", err)
	check.That(t, ntstatus.InvalidStringUUID.Win32() == 1705 && ntstatus.InvalidACL.Win32() == 1336 &&
		ntstatus.InvalidSID.Win32() == 1337, "S-43: Win32 codes of the statuses, want 1705, 1336 and 1337")
	if _, err := sddl.Parse("D:(XA;;CC;;;WD;(@Device.bb == 0x7fffffffffffffff))"); err != nil { // C-48
		t.Errorf("C-48: largest integer: %v, want no error", err)
	}
	for _, blanks := range []int{1<<20 - 2, 1<<20 - 1} {
		text := "D:" + strings.Repeat(" ", blanks)
		if _, err := sddl.Parse(text); len(text) > 1<<20 {
			wantSyntax(t, text, err, ntstatus.InvalidParameter, 1<<20)
		} else if err != nil {
			t.Errorf("a text of 1 MiB: %.100v, want no error", err)
		}
	}
}

// ParseStrict refuses some texts that Parse accepts (S-80, S-41).
func TestParseStrictRefusesMore(t *testing.T) {
	for _, text := range []string{
		"D:(A;;-1;;;WD)", "D:(A;;0x123456789;;;WD)" /* C-27, C-28 */, "O:S-1-3-4294967296-3-4" /* C-08 */, "D:(a;;GA;;;WD)",
		"D:(A;;ga;;;WD)", "D:(A;;GA;;;wd)",
		"D:(A;;GA;;; WD)", "D:(A;;GA;;;WD )", "D:( A;;GA;;;WD)", "D:(XA;;GA;;;WD ;(a))",
		"D:(A; OI;GA;;;WD)", "D:(A;;RP LC;;;WD)", "D:(A;;GR0x1;;;WD)",
		"D:(A;;0x1GR;;;WD)", "O:S-01-5-18", "O:s-1-5-18", "D:(XA;;GA;;;WD;(@User.a == 0xffffffffffffffff))",
		"D:(XA;;GA;;;WD;(Member_of SID(ba)))",
	} {
		check.Equal(t, check.Err(sddl.Parse(text)), nil, "Parse of a lenient text")
		_, err := sddl.ParseStrict(text)
		check.That(t, err != nil && (text[:2] != "O:" || errors.Is(err, ntstatus.InvalidSID.Err())),
			"ParseStrict of %s: %v, want an error, STATUS_INVALID_SID for an owner", text, err)
	}
	for _, text := range []string{"O:BAG:SYD:PAI(A;OICI;FA;;;S-1-5-18)(XA;;FX;;;WD;(@User.Title == " +
		"\"PM\"))S:(ML;;NW;;;LW)", "",
		" O: BAG:SY D: P AI (A;;GA;;;WD)  (A;;GR;;;SY) S: (ML;;NW;;;LW) ", // as folded YAML has it
		"D:(A;;0xFFFFFFFF;;;WD)", "D:(A;;4294967295;;;WD)", "D:(A;;037777777777;;;WD)"} {
		if _, err := sddl.ParseStrict(text); err != nil {
			t.Error(err)
		}
	}
}

// TestExtendedAcceptsEveryDefaultText cuts each text at each place. Parse returns either a descriptor or an
// error, and Extended accepts every text that the default accepts (S-45).
func TestExtendedAcceptsEveryDefaultText(t *testing.T) {
	for _, text := range []string{"D:(0x09;;GA;;;WD;#61727478)", "D:(0x7f;#0011)", "S:(0x13;;;;;S-1-17-1;#)",
		"O:BAG:SYD:(XA;;GA;;;WD;#61727478ffffffff)S:(0x02;SA;GA;;;WD;#)",
		"O:BAG:SYD:(A;;GA;;;WD)(D;;GA;;;BG)S:(AU;SA;GA;;;WD)"} {
		for n := range len(text) + 1 {
			d, err := sddl.Parse(text[:n], sddl.Options{Extended: true})
			check.That(t, (d == nil) == (err != nil),
				"S-45: parsing %q with Extended: %v and error %v, want exactly one of them", text[:n], d, err)
			if _, plain := sddl.Parse(text[:n], sddl.Options{}); plain == nil && err != nil {
				t.Errorf("S-45: %q is accepted by default, but Extended returns %v, want no error", text[:n], err)
			}
		}
	}
}

func ExampleParse() {
	d, err := sddl.Parse("O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;0x120089;;;WD)")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(text)
	fmt.Println(check.Err(sddl.Parse("D:(A;;FZ;;;WD)")))
	// Output:
	// O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)
	// SDDL: at byte 6: want a two-letter right such as GA, or a number, found "FZ;;;WD)": STATUS_INVALID_ACL
}

func ExampleParseRights() {
	m, err := sddl.ParseRights("FR|WRITE_DAC")
	fmt.Println(m, err)
	// Output: 0x160089 <nil>
}

// SDDL has one revision. If the options name none, it is used (S-43).
func TestOnlyRevisionOneIsAccepted(t *testing.T) {
	for _, revision := range []uint32{0, 1, 2, 3, 4, 0xdeadbeef /* C-56 */} {
		d, err := sddl.Parse("O:BA", sddl.Options{Revision: revision})
		if revision <= 1 {
			check.That(t, err == nil && d.Owner() == sid.Administrators,
				"S-43: revision %d: %v, %v, want owner %v, no error", revision, d, err, sid.Administrators)
			continue
		}
		wantSyntax(t, "O:BA", err, ntstatus.UnknownRevision, 0)
	}
}

// Only an alias without its domain is sid.ErrNoDomain: in an owner, an entry or a condition, and not a text that quotes
// such an error (S-10).
func TestAliasWithoutDomainIsErrNoDomain(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	for text, want := range map[string]bool{"O:DU": true, "D:(A;;FA;;;DA)": true,
		"D:(XA;;FA;;;WD;(Member_of {SID(DU)}))": true, `S:(RA;;;;;WD;("a",TD,0,DA))`: true, "O:QQ": false,
		"D:(A;;needs no domain;;;WD)": false, "O:S-1-5-21-1-2-": false, "D:(XA;;FA;;;WD;(Member_of {SID(QQ)}))": false} {
		for _, parse := range []func(string, ...sddl.Options) (*sd.Descriptor, error){sddl.Parse, sddl.ParseStrict} {
			_, err := parse(text)
			check.That(t, errors.Is(err, sid.ErrNoDomain) == want && err != nil && !errors.Is(err, errors.ErrUnsupported),
				"S-10: %s: %v, want an error that is ErrNoDomain: %t, and no other", text, err, want)
			_, err = parse(text, sddl.Options{Domain: domain})
			check.That(t, (err == nil) == want && !errors.Is(err, sid.ErrNoDomain),
				"S-10: %s with a domain: %v, want accepted = %t", text, err, want)
		}
	}
	_, err := sid.Parse("DU")
	_, with := sid.Resolve("DU", domain)
	check.That(t, errors.Is(err, sid.ErrNoDomain) && errors.Is(err, sid.ErrInvalid) && with == nil,
		"S-10: SID DU: %v, with a domain %v, want ErrNoDomain and nil", err, with)
}

// MustParse is for constant texts, so it panics for one that is wrong. It takes the options of Parse.
func TestMustParsePanics(t *testing.T) {
	got := sddl.MustParse("O:DU", sddl.Options{Domain: sid.MustParse("S-1-5-21-1-2-3")}).Owner()
	check.Equal(t, got, sid.MustParse("S-1-5-21-1-2-3-513"), "owner of MustParse with a domain")
	defer func() { check.That(t, recover() != nil, "MustParse did not panic, want a panic") }()
	t.Errorf("MustParse = %v, want a panic", sddl.MustParse("O:XX"))
}

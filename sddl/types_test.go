package sddl_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// entryTypes are the types of entries that SDDL has tokens for, with what MS-DTYP 2.5.1.1 says of each: which list it
// belongs to, whether it may name object types, and what stands behind its trustee.
var entryTypes = []struct {
	token  string
	typ    sd.Type
	system bool
	object bool
	tail   string
}{
	{"A", 0x00, false, false, ""}, {"D", 0x01, false, false, ""}, {"OA", 0x05, false, true, ""},
	{"OD", 0x06, false, true, ""}, {"XA", 0x09, false, false, ";(a)"}, {"XD", 0x0A, false, false, ";(a)"},
	{"ZA", 0x0B, false, true, ";(a)"}, {"AU", 0x02, true, false, ""}, {"AL", 0x03, true, false, ""},
	{"OU", 0x07, true, true, ""}, {"OL", 0x08, true, true, ""}, {"XU", 0x0D, true, false, ";(a)"},
	{"ML", 0x11, true, false, ""}, {"RA", 0x12, true, false, `;("a",TI,0x0,1)`}, {"SP", 0x13, true, false, ""},
	{"TL", 0x14, true, false, ""}, {"FL", 0x15, true, false, ";(a)"},
}

// wantSyntax asks for a refusal with a status at a place of the text.
func wantSyntax(t *testing.T, text string, err error, st ntstatus.Status, at int) {
	t.Helper()
	var se *sddl.SyntaxError
	if !errors.As(err, &se) || se.Status != st || se.Offset != at || se.Text != text || se.Want == "" ||
		!errors.Is(err, st.Err()) {
		t.Errorf("%s: %v, want %v at byte %d", text, err, st, at)
	}
}

// TestTypesOfEntries: each type is read in its own list only, names object types where it is one of those, and ends
// as it does; a refusal says where (S-43).
func TestTypesOfEntries(t *testing.T) {
	const guid, class = "bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a86-0de6-11d0-a285-00aa003049e2"
	for _, e := range entryTypes {
		for _, list := range []string{"D:", "S:"} {
			for _, guids := range []string{";", guid + ";", ";" + class, guid + ";" + class} {
				head := list + "(" + e.token + ";;;"
				text := head + guids + ";WD" + e.tail + ")"
				d, err := sddl.Parse(text)
				switch at := strings.Index(text, "bf967"); {
				case e.system != (list == "S:"):
					wantSyntax(t, text, err, ntstatus.InvalidACL, len(list)+1)
				case guids != ";" && !e.object:
					wantSyntax(t, text, err, ntstatus.InvalidACL, at)
				case err != nil:
					t.Errorf("%s: %v", text, err)
				default:
					l := d.DACL()
					if e.system {
						l = d.SACL()
					}
					a := l.At(0)
					object, hasObject := a.ObjectType()
					inherited, hasInherited := a.InheritedObjectType()
					got := ""
					if hasObject {
						got = object.String()
					}
					if got += ";"; hasInherited {
						got += inherited.String()
					}
					if a.Type() != e.typ || a.SID() != sid.Everyone || got != guids || (a.AppData() == "") != (e.tail == "") {
						t.Errorf("%s: type %#x, of %v, %s, data %x", text, a.Type(), a.SID(), got, a.AppData())
					}
				}
			}
		}
		list := map[bool]string{false: "D:", true: "S:"}[e.system]
		head := list + "(" + e.token + ";;;;;WD"
		if e.tail != "" {
			_, err := sddl.Parse(head + ")")
			wantSyntax(t, head+")", err, ntstatus.InvalidACL, len(head))
		} else {
			_, err := sddl.Parse(head + ";(a))")
			wantSyntax(t, head+";(a))", err, ntstatus.InvalidACL, len(head))
		}
	}
}

// TestExtendedNamesNothingElse: an entry as bytes has neither rights nor object types nor a trustee, since all of them
// are in its bytes (S-45).
func TestExtendedNamesNothingElse(t *testing.T) {
	const guid = "bf967aba-0de6-11d0-a285-00aa003049e2"
	extended := sddl.Options{Extended: true}
	for fields, want := range map[string]bool{
		";;;;;#01020304": true, "OICI;;;;;#01020304": true, ";CC;;;;#01020304": false, ";;" + guid + ";;;#01020304": false,
		";;;" + guid + ";;#01020304": false, ";;;;WD;#0102030": false, ";;;;;": false,
	} {
		text := "D:(0x7f;" + fields + ")"
		d, err := sddl.Parse(text, extended)
		if (err == nil) != want {
			t.Errorf("S-45: %s: %v, want it read: %t", text, err, want)
		}
		if err == nil && d.DACL().At(0).Binary()[4:] != "\x01\x02\x03\x04" {
			t.Errorf("S-45: %s: %x", text, d.DACL().At(0).Binary())
		}
		if _, err := sddl.Parse(text); err == nil {
			t.Errorf("S-45: %s is read without being asked for", text)
		}
	}
	// Those of a type that may name some are refused as well.
	for _, fields := range []string{";;" + guid + ";;;#01020304", ";;;" + guid + ";;#01020304"} {
		if _, err := sddl.Parse("D:(0x05;"+fields+")", extended); err == nil {
			t.Errorf("S-45: %s beside bytes", fields)
		}
	}
	for _, text := range []string{"D:(1x7f;;;;;;#01020304)", "D:(0y7f;;;;;;#01020304)", "D:(007f;;;;;;#01020304)",
		"D:(0x7;;;;;;#01020304)", "D:(0x7g;;;;;;#01020304)", "D:(0x7f1;;;;;;#01020304)"} {
		_, err := sddl.Parse(text, extended)
		wantSyntax(t, text, err, ntstatus.InvalidACL, 3)
	}
}

// TestRevisions: there is one revision of SDDL, and none named is that one (S-43).
func TestRevisions(t *testing.T) {
	for revision := range uint32(5) {
		d, err := sddl.Parse("O:BA", sddl.Options{Revision: revision})
		if revision <= 1 {
			if err != nil || d.Owner() != sid.Administrators {
				t.Errorf("S-43: revision %d: %v, %v", revision, d, err)
			}
			continue
		}
		wantSyntax(t, "O:BA", err, ntstatus.UnknownRevision, 0)
	}
}

// TestNoListOfAPart: a SACL that is there and NULL prints as a whole, and has no entries of a type (S-44).
func TestNoListOfAPart(t *testing.T) {
	d := sddl.MustParse("O:BAS:NO_ACCESS_CONTROL")
	for info, want := range map[uint32]string{
		0: "O:BAS:NO_ACCESS_CONTROL", winnt.SACL_SECURITY_INFORMATION: "S:NO_ACCESS_CONTROL",
		winnt.LABEL_SECURITY_INFORMATION: "", winnt.SCOPE_SECURITY_INFORMATION: "",
		winnt.OWNER_SECURITY_INFORMATION | winnt.ATTRIBUTE_SECURITY_INFORMATION: "O:BA",
		winnt.SACL_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION:      "S:NO_ACCESS_CONTROL",
	} {
		if got, err := sddl.Format(d, sddl.Options{Info: info}); err != nil || got != want {
			t.Errorf("S-44: %#x: %s, %v, want %s", info, got, err, want)
		}
	}
}

// TestAliasesInsideEntries: SIDs in conditions and attributes are named as those beside them: by an alias where the
// domain is that of the options, in full elsewhere; both ways they read back the same.
func TestAliasesInsideEntries(t *testing.T) {
	domain, other := sid.MustParse("S-1-5-21-1-2-3"), sid.MustParse("S-1-5-21-7-8-9")
	for _, of := range []sid.SID{{}, domain, other} {
		name := "S-1-5-21-1-2-3-513"
		if of == domain {
			name = "DU"
		}
		want := fmt.Sprintf(`O:%[1]sG:%[1]sD:(XA;;CC;;;%[1]s;(Member_of {SID(%[1]s)}))S:(RA;;;;;WD;("a",TD,0x0,%[1]s))`, name)
		full := strings.ReplaceAll(want, "(DU)", "(S-1-5-21-1-2-3-513)")
		d, err := sddl.Parse(want, sddl.Options{Domain: of})
		if err != nil {
			t.Fatal(full, err)
		}
		if got, err := sddl.Format(d, sddl.Options{Domain: of}); err != nil || got != want {
			t.Errorf("domain %v: %s, %v, want %s", of, got, err, want)
		}
		if of == domain {
			_, err := sddl.Parse(want, sddl.Options{Domain: other})
			if err != nil {
				t.Errorf("of another domain: %v", err)
			}
			if _, err = sddl.Parse(want); err == nil {
				t.Error("an alias of no domain is read")
			}
		}
	}
}

package sddl_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Each entry is encoded as in the documents (S-12, S-15, S-16, S-30, S-34).
func TestEntriesHaveDocumentedBytes(t *testing.T) {
	for _, c := range []struct {
		id, text, hex string
		revision      byte
	}{
		{"C-29", "D:(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)",
			"050028000001000001000000531a72ab2f1ed011981900aa0040529b010100000000000100000000", 4},
		{"C-30", "D:(OA;CIIO;RP;4c164200-20c0-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;RU)",
			"050a3c00100000000300000000" + "42164cc020d011a76800aa006e0529" + "ba7a96bfe60dd011a28500aa003049e2" +
				"0102000000000005200000002a020000", 4},
		{"C-32", "S:(AU;SAFA;CCWD;;;WD)", "02c0140001000400010100000000000100000000", 2},
		{"C-34", "S:(ML;;NW;;;LW)", "1100140001000000010100000000001000100000", 2},
		{"C-35", "S:(SP;;;;;S-1-17-1)", "1300140000000000010100000000001101000000", 2},
		{"C-36", "S:(TL;;RC;;;S-1-19-512-8192)", "140018000000020001020000000000130002000000200000", 2},
		{"C-37", `S:(FL;;RC;;;WD;(@User.Title=="PM"))`,
			"150034000000020001010000000000010000000061727478f90a0000005400690074006c006500100400000050004d0080000000", 2},
		{"C-38", `D:(XA;;FX;;;WD;(@User.Title=="PM"))`,
			"09003400a000120001010000000000010000000061727478f90a0000005400690074006c006500100400000050004d0080000000", 2},
		{"C-49", `S:(RA;;;;;WD;("Dept",TS,0,"Fin"))`,
			"12003c0000000000010100000000000100000000140000000300000000000000010000001e0000004400650070007400000046006" +
				"9006e0000000000", 2},
		{"C-50", `S:(RA;;;;;WD;("Lvl",TI,0,1,2))`,
			"12004400000000000101000000000001000000001800000001000000000000000200000020000000280000004c0076006c0000000" +
				"1000000000000000200000000000000", 2},
	} {
		t.Run(c.id, func(t *testing.T) {
			d := check.Must(sddl.Parse(c.text, opt))
			l := d.DACL()
			if l == nil {
				l = d.SACL()
			}
			got := hex.EncodeToString([]byte(l.At(0).Binary()))
			check.That(t, got == c.hex, "encoded entry %s\nwant %s", got, c.hex)
			check.Equal(t, l.Revision(), c.revision, "revision")
		})
	}
}

// A list with one entry too many, and an entry that no list can hold, are refused (S-17, C-59).
func TestParseRefusesTooLongList(t *testing.T) {
	ace := "(A;;GA;;;S-1-5-21-1-2-3-4)"
	d, err := sddl.Parse("D:" + strings.Repeat(ace, 1820))
	check.RequireThat(t, err == nil && d.DACL().Size() == 65528 && d.DACL().Len() == 1820, "%v", err)
	text := "D:" + strings.Repeat(ace, 1821)
	wantSyntax(t, text, check.Err(sddl.Parse(text)), ntstatus.InvalidACL, 2) // the error is at the list (C-59)
	text = "D:" + ace + "(0x40;;;;;;#" + strings.Repeat("00", 65536) + ")"
	wantSyntax(t, text, check.Err(sddl.Parse(text, sddl.Options{Extended: true})), ntstatus.InvalidACL, 2+len(ace))
}

// Entries without a token in SDDL are parsed and printed only with the option Extended (S-45).
func TestEntriesWithoutTokenNeedExtended(t *testing.T) {
	guid, _ := winnt.ParseGUID("ab721a53-1e2f-11d0-9819-00aa0040529b")
	compound := check.Must(sd.NewACE(sd.AccessAllowedCompound, 0, 3, sid.LocalSystem,
		sd.ACEExtra{ClientSID: sid.Everyone}))
	object, _ := sd.NewACE(sd.AccessDeniedCallbackObject, sd.ContainerInherit, 3, sid.Everyone,
		sd.ACEExtra{ObjectType: &guid, AppData: []byte("artx")})
	const zero = "00000000-0000-0000-0000-000000000000"
	zeroTypes, _ := sd.NewACE(sd.AccessDeniedCallbackObject, 0, 3, sid.Everyone,
		sd.ACEExtra{ObjectType: new(winnt.GUID), InheritedObjectType: new(winnt.GUID)})
	opaque, _ := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte("\x01\x02\x03\x04")})
	// Conditions that are valid, but whose text is of other bytes, or none: an integer of one byte, and a quote.
	short := "artx\xf8\x02\x00\x00\x00a\x00" + "\x01\x05" + strings.Repeat("\x00", 7) + "\x03\x02" + "\x80\x00"
	quote := "artx\xf9\x02\x00\x00\x00a\x00" + "\x10\x02\x00\x00\x00\"\x00" + "\x80\x00"
	condition := func(data string) sd.ACE {
		return check.Must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte(data)}))
	}
	trailing, _ := sd.NewACE(sd.AccessAllowed, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte("\x01\x02\x03\x04")})
	unknown := check.Must(sd.RawACE(0x40, sd.Inherited, []byte{1, 2}))
	bare := check.Must(sd.RawACE(sd.AccessAllowed, 0, []byte{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5}))
	flagged := check.Must(sd.RawACE(sd.AccessAllowedObject, 0, []byte{1, 0, 0, 0, 4, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0,
		0, 0}))
	data := sddl.MustParse(`S:(RA;;;;;WD;("x",TI,0,1))`).SACL().At(0).AppData()
	everyone, admins := sid.Everyone.Binary(), sid.Administrators.Binary()
	slack := data + "\x00\x00\x00\x00"
	attribute := func(mask winnt.AccessMask, trustee sid.SID, data string) sd.ACE {
		return check.Must(sd.NewACE(sd.SystemResourceAttribute, 0, mask, trustee, sd.ACEExtra{AppData: []byte(data)}))
	}
	// An unknown type is allowed in both lists. A known type is allowed only in its own list, also by its number
	// (S-14).
	for text, ok := range map[string]bool{"D:(0x40;;;;;;#0102)": true, "S:(0x40;;;;;;#0102)": true,
		"D:(0x00;;CC;;;WD)": true, "D:(0x00;;CC;;;WD;#)": true, "D:(0x40;;;;;;(a))": false, "D:(XA;;;;;;(a))": false,
		"S:(0x00;;CC;;;WD)": false, "D:(0x02;SA;CC;;;WD)": false, "S:(0x02;SA;CC;;;WD)": true} {
		_, err := sddl.Parse(text, sddl.Options{Extended: true})
		check.That(t, (err == nil) == ok, "parsing %s with Extended: %v, want accepted = %t", text, err, ok)
	}
	for _, text := range []string{"D:(0x09;;GA;;;WD;#010)", "D:(0x09;;GA;;;WD;#0)", "D:(0x09;;GA;;;WD;#01 02)"} {
		check.That(t, check.Err(sddl.Parse(text, sddl.Options{Extended: true})) != nil,
			"S-45: %s does not have whole bytes but was parsed, want an error", text)
	}
	check.That(t, check.Err(sddl.Parse("D:(0x00;;GA;;;;#01)", sddl.Options{Extended: true})) != nil,
		"rights without a trustee were parsed, want an error")
	for _, text := range []string{"D:(A;;;;;;(@User.x))", "D:(XA;;;;;;(@User.x))", `S:(RA;;;;;;("x",TI,0,1))`,
		"D:(A;;;;;)",
		"D:(A;;;;;;#01)"} {
		d, err := sddl.Parse(text)
		check.That(t, err != nil, "%s has no trustee but was parsed as %x, want an error", text, d.Binary())
	}
	for want, a := range map[string]sd.ACE{
		"(0x04;;;;;;#0300000001000000010100000000000512000000010100000000000100000000)": compound,
		"(0x0c;CI;CCDC;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD;#61727478)":             object,
		"(0x09;;CC;;;WD;#01020304)":                              opaque,
		"(0x00;;CC;;;WD;#01020304)":                              trailing,
		fmt.Sprintf("(0x0c;;CCDC;%s;%[1]s;WD;#)", zero):          zeroTypes,
		fmt.Sprintf("(0x09;;CC;;;WD;#%x)", short):                condition(short),
		fmt.Sprintf("(0x09;;CC;;;WD;#%x)", quote):                condition(quote),
		"(0x40;ID;;;;;#0102)":                                    unknown,
		"(0x00;;;;;;#010000000100000000000005)":                  bare,
		"(0x05;;;;;;#0100000004000000010100000000000100000000)":  flagged,
		fmt.Sprintf("(0x12;;;;;;#01000000%x%x)", everyone, data): attribute(1, sid.Everyone, data),
		fmt.Sprintf("(0x12;;;;;;#00000000%x%x)", admins, data):   attribute(0, sid.Administrators, data),
		fmt.Sprintf("(0x12;;;;;WD;#%x)", slack):                  attribute(0, sid.Everyone, slack),
		"(0x12;;;;;WD;#01020304)":                                attribute(0, sid.Everyone, "\x01\x02\x03\x04"),
	} {
		if _, err := sddl.FormatACE(a, sddl.Options{}); !errors.Is(err, ntstatus.InvalidACL.Err()) {
			t.Errorf("printing %s without Extended: %v, want STATUS_INVALID_ACL", want, err)
		}
		got, err := sddl.FormatACE(a, sddl.Options{Extended: true})
		check.That(t, got == want && err == nil, "entry printed as %s, %v, want %s", got, err, want)
		list, of := "D:", (*sd.Descriptor).DACL
		if a.Type().IsSystem() {
			list, of = "S:", (*sd.Descriptor).SACL
		}
		d, err := sddl.Parse(list+want, sddl.Options{Extended: true})
		check.That(t, err == nil && of(d).At(0) == a, "%s parsed as %x, %v, want the same entry", want, d.Binary(), err)
		check.That(t, check.Err(sddl.Parse(list+want)) != nil, "%s was parsed without Extended, want an error", want)
	}
}

// entryTypes are the entry types of SDDL with their properties in MS-DTYP 2.5.1.1: the list, whether it may have
// object types, and the data after the trustee.
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

// Each type is parsed only in its own list. Only the documented types have object types and data after the trustee. An
// error has its offset (S-43).
func TestEntryTypesBelongToTheirList(t *testing.T) {
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
					t.Errorf("parsing %s: %v, want no error", text, err)
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
						t.Errorf("%s: type %#x, trustee %v, GUIDs %s, data %x, want the values of the text",
							text, a.Type(), a.SID(), got, a.AppData())
					}
				}
			}
		}
		list := map[bool]string{false: "D:", true: "S:"}[e.system]
		head := list + "(" + e.token + ";;;;;WD"
		if e.tail != "" {
			wantSyntax(t, head+")", check.Err(sddl.Parse(head+")")), ntstatus.InvalidACL, len(head))
		} else {
			wantSyntax(t, head+";(a))", check.Err(sddl.Parse(head+";(a))")), ntstatus.InvalidACL, len(head))
		}
	}
}

// An entry written as bytes has no rights, object types or trustee in its text, because all of them are in its bytes
// (S-45).
func TestEntryAsBytesHasNoOtherFields(t *testing.T) {
	const guid = "bf967aba-0de6-11d0-a285-00aa003049e2"
	extended := sddl.Options{Extended: true}
	for fields, want := range map[string]bool{
		";;;;;#01020304": true, "OICI;;;;;#01020304": true, ";CC;;;;#01020304": false, ";;" + guid + ";;;#01020304": false,
		";;;" + guid + ";;#01020304": false, ";;;;WD;#0102030": false, ";;;;;": false,
	} {
		text := "D:(0x7f;" + fields + ")"
		d, err := sddl.Parse(text, extended)
		check.That(t, (err == nil) == want, "S-45: parsing %s: %v, want accepted = %t", text, err, want)
		check.That(t, err != nil || d.DACL().At(0).Binary()[4:] == "\x01\x02\x03\x04",
			"S-45: %s parsed as %x, want the given bytes", text, d.DACL().At(0).Binary())
		check.That(t, check.Err(sddl.Parse(text)) != nil, "S-45: %s was parsed without Extended, want an error", text)
	}
	// Object types next to the bytes are refused for object entries, too, whose bytes are valid.
	const bytes = "#0100000000000000010100000000000100000000" // rights, no object types, S-1-1-0
	for fields, want := range map[string]bool{";;;;;": true, ";;" + guid + ";;;": false, ";;;" + guid + ";;": false} {
		if _, err := sddl.Parse("D:(0x05;"+fields+bytes+")", extended); (err == nil) != want {
			t.Errorf("S-45: parsing an object entry with %s and bytes: %v, want accepted = %t", fields, err, want)
		}
	}
	long := "D:(A;;GA;;;WD)(0x7f;;;;;;#" + strings.Repeat("00", sd.MaxACLSize-8-4+1) + ")" // without both headers
	wantSyntax(t, long, check.Err(sddl.Parse(long, extended)), ntstatus.InvalidACL, len("D:(A;;GA;;;WD)"))
	for _, text := range []string{"D:(1x7f;;;;;;#01020304)", "D:(0y7f;;;;;;#01020304)", "D:(0X7f;;;;;;#01020304)",
		"D:(007f;;;;;;#01020304)", "D:(0x7;;;;;;#01020304)", "D:(0x7g;;;;;;#01020304)", "D:(0x7f1;;;;;;#01020304)"} {
		wantSyntax(t, text, check.Err(sddl.Parse(text, extended)), ntstatus.InvalidACL, 3)
	}
}

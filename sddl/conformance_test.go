package sddl_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

var opt = sddl.Options{Domain: sid.MustParse("S-1-5-21-1-2-3")}

// Whole descriptors to bytes: S-25, S-42.
func TestBytes(t *testing.T) {
	for _, c := range []struct{ id, text, hex string }{
		{"C-11", "O:BAG:SYD:(A;;GA;;;SY)",
			"010004803000000040000000000000001400000002001c00010000000000140000000010010100000000000512000000010200000" +
				"00000052000000020020000010100000000000512000000"},
		{"C-12", "D:", "0100048000000000000000000000000014000000" + "0200080000000000"},
		{"C-13", "S:", "0100108000000000000000001400000000000000" + "0200080000000000"},
		{"C-14", "", "0100008000000000000000000000000000000000"},
		{"C-58", "D:NO_ACCESS_CONTROL", "0100048000000000000000000000000000000000"},
	} {
		t.Run(c.id, func(t *testing.T) {
			d, err := sddl.Parse(c.text, opt)
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(d.Binary()); got != c.hex {
				t.Errorf("got  %s\nwant %s", got, c.hex)
			}
			if text, err := sddl.Format(d, opt); text != c.text || err != nil {
				t.Errorf("prints %q, %v", text, err)
			}
		})
	}
}

// Canonical text: S-6, S-9, S-38, S-39, S-40, S-48, S-51, S-53.
func TestCanonicalText(t *testing.T) {
	for _, c := range []struct{ id, in, out string }{
		{"C-09", "O:S-1-2-0x200D:", "O:S-1-2-512D:"},
		{"C-15", "S:D:", "D:S:"},
		{"C-16", "S:D:P", "D:PS:"},
		{"C-17", "D:ARPAI(A;;GA;;;SY)", "D:PARAI(A;;GA;;;SY)"},
		{"C-18", "D:(A;;123456789;;;LG)", "D:(A;;0x75bcd15;;;LG)"},
		{"C-19", "D:(A;;01234567;;;LG)", "D:(A;;0x53977;;;LG)"},
		{"C-20 a", "D:(A;;16;;;LG)", "D:(A;;RP;;;LG)"},
		{"C-20 b", "D:(A;;17;;;LG)", "D:(A;;CCRP;;;LG)"},
		{"C-20 c", "D:(A;;0xff;;;LG)", "D:(A;;CCDCLCSWRPWPDTLO;;;LG)"},
		{"C-21", "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)", "D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)"},
		{"C-22", "D:(A;;FAGX;;;SY)", "D:(A;;0x201f01ff;;;SY)"},
		{"C-25", "D:(A;;0x1200a9;;;AU)", "D:(A;;0x1200a9;;;AU)"},
		{"C-26 a", "D:(A;;;;;WD)", "D:(A;;;;;WD)"},
		{"C-26 b", "D:(A;;0;;;WD)", "D:(A;;;;;WD)"},
		{"C-27", "D:(A;;-1;;;LG)", "D:(A;;0xffffffff;;;LG)"},
		{"C-28", "D:(A;;0x123456789;;;LG)", "D:(A;;0xffffffff;;;LG)"},
		{"C-38", `D:(XA;;FX;;;WD;(@User.Title=="PM"))`, `D:(XA;;FX;;;WD;(@USER.Title == "PM"))`},
		{"C-41", "D:(XA;;CC;;;WD;(Member_of_Any{SID(BA),SID(WD)}))", "D:(XA;;CC;;;WD;(Member_of_any {SID(BA), SID(WD)}))"},
		{"C-43 a", "D:(XA;;CC;;;WD;(OctetStringType==##1#2#3##))", "D:(XA;;CC;;;WD;(OctetStringType == #01020300))"},
		{"C-43 b", "D:(XA;;CC;;;WD;(OctetStringType==#1#2#3##))", "D:(XA;;CC;;;WD;(OctetStringType == #01020300))"},
		{"C-44", "D:(XA;;CC;;;WD;(@USER.A || @Device.B && @USER.C))",
			"D:(XA;;CC;;;WD;((@USER.A) || ((@DEVICE.B) && (@USER.C))))"},
		{"C-49", `S:(RA;;;;;WD;("Dept",TS,0,"Fin"))`, `S:(RA;;;;;WD;("Dept",TS,0x0,"Fin"))`},
		{"S-38 name, number", "D:(A;;GR0xFFFFFFFF;;;LG)", "D:(A;;0xffffffff;;;LG)"},
		{"S-38 number, name", "D:(A;;0xFFFFFFFFGR;;;LG)", "D:(A;;0xffffffff;;;LG)"},
		{"S-38 digits end at a name", "D:(A;;0xFFFFFGR;;;LG)", "D:(A;;0x800fffff;;;LG)"},
		{"S-38 digits first", "D:(A;;0xFACC;;;LG)", "D:(A;;0xfacc;;;LG)"},
		{"S-38 decimal and octal among names", "D:(A;;RC2SD010;;;LG)", "D:(A;;DCSWSDRC;;;LG)"},
		{"S-38 sign among names", "D:(A;;GR-1;;;LG)", "D:(A;;0xffffffff;;;LG)"},
		{"S-38 wrap", "D:(A;;-9876543210;;;LG)", "D:(A;;CC;;;LG)"},
		{"S-39 KR, not KX", "D:(A;;KX;;;WD)", "D:(A;;KR;;;WD)"},
		{"S-39 label", "S:(ML;;NXNWNR;;;LW)", "S:(ML;;NWNRNX;;;LW)"},
		{"S-39 a label with other rights", "S:(ML;;0x20003;;;LW)", "S:(ML;;CCDCRC;;;LW)"},
		{"S-39 a label with a bit that no name has", "S:(ML;;0x203;;;LW)", "S:(ML;;0x203;;;LW)"},
		{"S-40 ACE flags", "S:(AU;FASACIOIIDIONPCR;FA;;;WD)", "S:(AU;OICINPIOIDSAFACR;FA;;;WD)"},
		{"S-40 filter", `S:(FL;TP;RC;;;WD;(@User.a))`, `S:(FL;TP;RC;;;WD;(@USER.a))`},
		{"S-41", " D: P (A; OI; GA;;; wd ) (a;;RP  LC; ; ;ba) ", "D:P(A;OI;GA;;;WD)(A;;LCRP;;;BA)"},
		{"S-42 flags of a NULL list", "D:PNO_ACCESS_CONTROL", "D:PNO_ACCESS_CONTROL"},
		{"C-57 b", "D:(D;; GA;;;WD)", "D:(D;;GA;;;WD)"},
	} {
		t.Run(c.id, func(t *testing.T) {
			d, err := sddl.Parse(c.in, opt)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := sddl.Format(d, opt); got != c.out || err != nil {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.out)
			}
		})
	}
}

// Control words of C-12, C-13, C-16, C-17.
func TestControl(t *testing.T) {
	for text, want := range map[string]sd.Control{"D:": 0x8004, "S:": 0x8010, "S:D:P": 0x9014,
		"D:ARPAI(A;;GA;;;SY)": 0x9504} {
		if got := sddl.MustParse(text).Control(); got != want {
			t.Errorf("%s: %#x, want %#x", text, got, want)
		}
	}
}

// S-38, S-39: masks. C-23, C-24.
func TestRights(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{"FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0, "FA": 0x1F01FF,
		"KA": 0xF003F, "KR": 0x20019, "KW": 0x20006, "KX": 0x20019} {
		a := sddl.MustParse("D:(A;;" + text + ";;;WD)").DACL().At(0)
		if a.Mask() != want {
			t.Errorf("%s is %#x, want %#x", text, a.Mask(), want)
		}
	}
	for text, want := range map[string]winnt.AccessMask{"FR|WD": 0x160089, "FRWD": 0x160089, "0x20089": 0x20089,
		"33": 33, "FILE_READ_DATA": 1, "read_control | WRITE_DAC": 0x60000, "TOKEN_QUERY,DELETE": 0x10008,
		"KEY_ALL_ACCESS": 0xF003F, "gr": 0x80000000, "0x80000000": 1 << 31, "4294967295": 1<<32 - 1,
		"0o37777777777": 1<<32 - 1, "0b10000000000000000000000000000000": 1 << 31} {
		if got, err := sddl.ParseRights(text); got != want || err != nil {
			t.Errorf("%q: %#x, %v, want %#x", text, got, err, want)
		}
	}
	for text, want := range map[string]winnt.AccessMask{"MAXIMUM_ALLOWED": 0x2000000, "ACCESS_SYSTEM_SECURITY": 0x1000000,
		"FILE_ALL_ACCESS": 0x1F01FF, "FILE_GENERIC_READ": 0x120089, "FILE_GENERIC_WRITE": 0x120116,
		"FILE_GENERIC_EXECUTE": 0x1200A0, "KEY_READ": 0x20019, "KEY_WRITE": 0x20006, "KEY_EXECUTE": 0x20019,
		"TOKEN_ALL_ACCESS": 0xF01FF, "TOKEN_READ": 0x20008, "TOKEN_WRITE": 0x200E0, "TOKEN_EXECUTE": 0x20000,
		"PROCESS_ALL_ACCESS": 0x1FFFFF, "THREAD_ALL_ACCESS": 0x1FFFFF, "JOB_OBJECT_ALL_ACCESS": 0x1F003F,
		"DIRECTORY_ALL_ACCESS": 0xF000F, "SYMBOLIC_LINK_ALL_ACCESS": 0xF0001, "EVENT_ALL_ACCESS": 0x1F0003,
		"PORT_ALL_ACCESS": 0x1F0001, "MUTANT_ALL_ACCESS": 0x1F0001, "SEMAPHORE_ALL_ACCESS": 0x1F0003,
		"TIMER_ALL_ACCESS": 0x1F0003, "STANDARD_RIGHTS_REQUIRED": 0xF0000, "STANDARD_RIGHTS_ALL": 0x1F0000} {
		if got, err := sddl.ParseRights(text); got != want || err != nil {
			t.Errorf("%q: %#x, %v, want %#x", text, got, err, want)
		}
	}
	for _, text := range []string{"", "X", "FRW", "FILE_READ", "-1", "0x123456789", "4294967296", "0o40000000000", "|"} {
		if m, err := sddl.ParseRights(text); err == nil {
			t.Errorf("%q was read as %#x", text, m)
		}
	}
}

// Single entries to bytes: S-12, S-15, S-16, S-30, S-34.
func TestEntryBytes(t *testing.T) {
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
			d, err := sddl.Parse(c.text, opt)
			if err != nil {
				t.Fatal(err)
			}
			l := d.DACL()
			if l == nil {
				l = d.SACL()
			}
			if got := hex.EncodeToString([]byte(l.At(0).Binary())); got != c.hex {
				t.Errorf("got  %s\nwant %s", got, c.hex)
			}
			if l.Revision() != c.revision {
				t.Errorf("revision %d, want %d", l.Revision(), c.revision)
			}
		})
	}
}

// Application data: C-39, C-40, C-41, C-42, C-43, C-53.
func TestConditionBytes(t *testing.T) {
	const ba, wd = "01020000000000052000000020020000", "010100000000000100000000"
	for _, c := range []struct{ id, text, hex string }{
		{"C-39", "D:(XA;;0x1f;;;AA;(@Device.legs >= 1))", "61727478fb080000006c00650067007300040100000000000000030285000000"},
		{"C-40", "D:(XA;;CC;;;WD;(Member_of SID(BA)))", "617274785110000000" + ba + "89" + "0000"},
		{"C-41", "D:(XA;;CC;;;WD;(Member_of_Any{SID(BA),SID(WD)}))", "61727478" + "5026000000" + "5110000000" + ba +
			"510c000000" + wd + "8b"},
		{"C-42", "D:(XA;;CC;;;WD;(@Resource.c == -1))", "61727478fa02000000630004ffffffffffffffff02028000"},
	} {
		t.Run(c.id, func(t *testing.T) {
			a := sddl.MustParse(c.text, opt).DACL().At(0)
			want, _ := hex.DecodeString(c.hex)
			for len(want)%4 != 0 {
				want = append(want, 0)
			}
			if got := a.AppData(); got != string(want) {
				t.Errorf("got  %x\nwant %x", got, want)
			}
		})
	}
	d := sddl.MustParse(`S:(RA;;;;;WD;("a",TX,0,abc))`)
	if v := d.SACL().Extra(0).Attribute; v == nil || string(v.Octets[0]) != "\x0a\xbc" { // C-53
		t.Errorf("C-53: %+v", v)
	}
}

// S-17: C-59.
func TestListLimit(t *testing.T) {
	ace := "(A;;GA;;;S-1-5-21-1-2-3-4)"
	d, err := sddl.Parse("D:" + strings.Repeat(ace, 1820))
	if err != nil || d.DACL().Size() != 65528 || d.DACL().Len() != 1820 {
		t.Fatal(err)
	}
	var se *sddl.SyntaxError
	if _, err = sddl.Parse("D:" + strings.Repeat(ace, 1821)); !errors.As(err, &se) || se.Status != ntstatus.InvalidACL {
		t.Fatalf("C-59: %v", err)
	}
}

// S-44: which parts are printed.
func TestFormatInfo(t *testing.T) {
	d := sddl.MustParse(`O:BAG:SYD:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)(RA;;;;;WD;("a",TI,0x0,1))` +
		`(SP;;;;;S-1-17-1)`)
	for _, c := range []struct {
		info uint32
		want string
	}{
		{0, `O:BAG:SYD:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)(RA;;;;;WD;("a",TI,0x0,1))(SP;;;;;S-1-17-1)`},
		{winnt.OWNER_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION, "O:BAD:P(A;;FA;;;BA)"},
		{winnt.GROUP_SECURITY_INFORMATION, "G:SY"},
		{winnt.LABEL_SECURITY_INFORMATION, "S:AI(ML;;NW;;;LW)"},
		{winnt.LABEL_SECURITY_INFORMATION | winnt.SCOPE_SECURITY_INFORMATION, "S:AI(ML;;NW;;;LW)(SP;;;;;S-1-17-1)"},
		{winnt.ATTRIBUTE_SECURITY_INFORMATION, `S:AI(RA;;;;;WD;("a",TI,0x0,1))`},
		{winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, ""},
		{winnt.BACKUP_SECURITY_INFORMATION,
			`O:BAG:SYD:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)(RA;;;;;WD;("a",TI,0x0,1))(SP;;;;;S-1-17-1)`},
	} {
		if got, err := sddl.Format(d, sddl.Options{Info: c.info}); got != c.want || err != nil {
			t.Errorf("%#x: %s, %v, want %s", c.info, got, err, c.want)
		}
	}
}

// S-45: entries without a token.
func TestExtended(t *testing.T) {
	guid, _ := winnt.ParseGUID("ab721a53-1e2f-11d0-9819-00aa0040529b")
	compound, err := sd.NewACE(sd.AccessAllowedCompound, 0, 3, sid.LocalSystem, sd.ACEExtra{ClientSID: sid.Everyone})
	if err != nil {
		t.Fatal(err)
	}
	object, _ := sd.NewACE(sd.AccessDeniedCallbackObject, sd.ContainerInherit, 3, sid.Everyone,
		sd.ACEExtra{ObjectType: &guid, AppData: []byte("artx")})
	opaque, _ := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte("\x01\x02\x03\x04")})
	trailing, _ := sd.NewACE(sd.AccessAllowed, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte("\x01\x02\x03\x04")})
	unknown, err := sd.RawACE(0x40, sd.Inherited, []byte{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	// A type that is not known belongs in either list, a known one in its own, also by its number (S-14).
	for text, ok := range map[string]bool{"D:(0x40;;;;;;#0102)": true, "S:(0x40;;;;;;#0102)": true,
		"D:(0x00;;CC;;;WD)": true,
		"S:(0x00;;CC;;;WD)": false, "D:(0x02;SA;CC;;;WD)": false, "S:(0x02;SA;CC;;;WD)": true} {
		if _, err := sddl.Parse(text, sddl.Options{Extended: true}); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"D:(0x09;;GA;;;WD;#010)", "D:(0x09;;GA;;;WD;#0)", "D:(0x09;;GA;;;WD;#01 02)"} {
		if _, err := sddl.Parse(text, sddl.Options{Extended: true}); err == nil {
			t.Errorf("S-45: %s, which is not of whole bytes, was read", text)
		}
	}
	if _, err := sddl.Parse("D:(0x00;;GA;;;;#01)", sddl.Options{Extended: true}); err == nil {
		t.Error("rights without a trustee were dropped")
	}
	for _, text := range []string{"D:(A;;;;;;(@User.x))", "D:(XA;;;;;;(@User.x))", `S:(RA;;;;;;("x",TI,0,1))`,
		"D:(A;;;;;)",
		"D:(A;;;;;;#01)"} {
		if d, err := sddl.Parse(text); err == nil {
			t.Errorf("%s: without a trustee it was read as %x", text, d.Binary())
		}
	}
	for want, a := range map[string]sd.ACE{
		"(0x04;;;;;;#0300000001000000010100000000000512000000010100000000000100000000)": compound,
		"(0x0c;CI;CCDC;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD;#61727478)":             object,
		"(0x09;;CC;;;WD;#01020304)": opaque,
		"(0x00;;CC;;;WD;#01020304)": trailing,
		"(0x40;ID;;;;;#0102)":       unknown,
	} {
		if _, err := sddl.FormatACE(a, sddl.Options{}); !errors.Is(err, ntstatus.InvalidACL.Err()) {
			t.Errorf("%s prints without Extended: %v", want, err)
		}
		got, err := sddl.FormatACE(a, sddl.Options{Extended: true})
		if got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		d, err := sddl.Parse("D:"+want, sddl.Options{Extended: true})
		if err != nil || d.DACL().At(0) != a {
			t.Errorf("%s reads back as %x, %v", want, d.DACL().At(0).Binary(), err)
		}
		if _, err := sddl.Parse("D:" + want); err == nil {
			t.Errorf("%s was read without Extended", want)
		}
	}
}

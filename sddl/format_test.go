package sddl_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The zero entry is an error in every form, also as bytes (S-45).
func TestZeroEntryHasNoText(t *testing.T) {
	for _, o := range []sddl.Options{{}, {Extended: true}} {
		if text, err := sddl.FormatACE(sd.ACE{}, o); !errors.Is(err, ntstatus.InvalidACL.Err()) {
			t.Errorf("extended %t: %q, %v, want STATUS_INVALID_ACL", o.Extended, text, err)
		}
	}
}

// Parsed text is printed in one canonical form (S-6, S-9, S-38, S-39, S-40, S-48, S-51, S-53).
func TestTextIsPrintedInCanonicalForm(t *testing.T) {
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
		{"S-38 no rights of an attribute, as a number", `S:(RA;;0x0;;;WD;("a",TI,0x0,1))`,
			`S:(RA;;;;;WD;("a",TI,0x0,1))`},
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
		{"S-39 rights of an audit entry", "S:(AU;SA;0x7;;;WD)", "S:(AU;SA;CCDCLC;;;WD)"},
		{"S-40 flags of an access filter", "S:(FL;IOTPOI;FA;;;WD;(a))", "S:(FL;OIIOTP;FA;;;WD;(a))"},
		{"S-40 repeated flags", "D:(A;OICIOI;FA;;;WD)", "D:(A;OICI;FA;;;WD)"},
		{"S-40 ACE flags", "S:(AU;FASACIOIIDIONPCR;FA;;;WD)", "S:(AU;OICINPIOIDSAFACR;FA;;;WD)"},
		{"S-40 filter", `S:(FL;TP;RC;;;WD;(@User.a))`, `S:(FL;TP;RC;;;WD;(@USER.a))`},
		{"S-41", " D: P (A; OI; GA;;; wd ) (a;;RP  LC; ; ;ba) ", "D:P(A;OI;GA;;;WD)(A;;LCRP;;;BA)"},
		{"S-41 blank after a condition", "D:(XA;;FX;;;WD;(@User.a) )", "D:(XA;;FX;;;WD;(@USER.a))"},
		{"S-41 blank after an attribute", `S:(RA;;;;;WD;("a",TI,0,1) )`, `S:(RA;;;;;WD;("a",TI,0x0,1))`},
		{"S-42 flags of a NULL list", "D:PNO_ACCESS_CONTROL", "D:PNO_ACCESS_CONTROL"},
		{"C-57 b", "D:(D;; GA;;;WD)", "D:(D;;GA;;;WD)"},
	} {
		t.Run(c.id, func(t *testing.T) {
			got, err := sddl.Format(check.Must(sddl.Parse(c.in, opt)), opt)
			check.That(t, got == c.out && err == nil, "printed %s, %v\nwant %s", got, err, c.out)
		})
	}
}

// Format prints the parts that the caller requests (S-44).
func TestFormatPrintsRequestedParts(t *testing.T) {
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
		got, err := sddl.Format(d, sddl.Options{Info: c.info})
		check.That(t, got == c.want && err == nil, "Format with parts %#x = %s, %v, want %s", c.info, got, err, c.want)
	}
}

// Each part is printed only on request, with the control bits of its own list; a backup has all parts (S-44).
func TestFormatPrintsOnlyRequestedParts(t *testing.T) {
	const (
		o, g  = "O:BA", "G:SY"
		dacl  = "D:P(A;;FA;;;WD)"
		label = "(ML;;NW;;;LW)"
		audit = "(AU;SA;FR;;;WD)"
		rule  = "(SP;;;;;S-1-17-1)"
		trust = "(TL;;RC;;;S-1-19-512-4096)"
		attr  = `(RA;;;;;WD;("a",TI,0x0,1))`
	)
	d := sddl.MustParse(o + g + dacl + "S:ARAI" + label + audit + rule + trust + attr)
	all := o + g + dacl + "S:ARAI" + label + audit + rule + trust + attr
	for info, want := range map[uint32]string{
		0: all, winnt.BACKUP_SECURITY_INFORMATION: all, winnt.OWNER_SECURITY_INFORMATION: o,
		winnt.BACKUP_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION: all,
		winnt.GROUP_SECURITY_INFORMATION:                                     g, winnt.DACL_SECURITY_INFORMATION: dacl,
		winnt.SACL_SECURITY_INFORMATION:                                     "S:ARAI" + label + audit + rule + trust + attr,
		winnt.LABEL_SECURITY_INFORMATION:                                    "S:ARAI" + label,
		winnt.ATTRIBUTE_SECURITY_INFORMATION:                                "S:ARAI" + attr,
		winnt.SCOPE_SECURITY_INFORMATION:                                    "S:ARAI" + rule,
		winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION:                      "S:ARAI" + trust,
		winnt.ACCESS_FILTER_SECURITY_INFORMATION:                            "",
		winnt.OWNER_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION: o + "S:ARAI" + label,
		winnt.OWNER_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION: o + "S:ARAI" + label + audit + rule + trust +
			attr,
		winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION: g + dacl,
	} {
		got, err := sddl.Format(d, sddl.Options{Info: info})
		check.That(t, err == nil && got == want, "Format with parts %#x = %s, %v, want %s", info, got, err, want)
	}
	got, err := sddl.Format(nil, sddl.Options{})
	check.That(t, got == "" && err == nil, `Format(nil) = %q, %v, want "", nil`, got, err)
}

// A part without a valid text is an error, unless only other parts are requested (S-45, S-46). Nothing is printed
// with an error.
func TestUnprintablePartIsAnError(t *testing.T) {
	bare, _ := sid.New(5)
	unknown := check.Must(sd.NewACL(check.Must(sd.RawACE(0x7F, 0, []byte{1, 2, 3, 4}))))
	for part, c := range map[uint32]struct {
		parts sd.Parts
		want  ntstatus.Status
	}{
		winnt.OWNER_SECURITY_INFORMATION: {sd.Parts{Owner: bare}, ntstatus.InvalidSID},
		winnt.GROUP_SECURITY_INFORMATION: {sd.Parts{Group: bare}, ntstatus.InvalidSID},
		winnt.DACL_SECURITY_INFORMATION:  {sd.Parts{DACL: unknown}, ntstatus.InvalidACL},
		winnt.SACL_SECURITY_INFORMATION:  {sd.Parts{SACL: unknown}, ntstatus.InvalidACL},
	} {
		for info := uint32(1); info < 16; info++ {
			got, err := sddl.Format(sd.New(c.parts), sddl.Options{Info: info})
			if info&part == 0 && err != nil || info&part != 0 && !errors.Is(err, c.want.Err()) || got != "" {
				t.Errorf("unprintable part %#x, requested %#x: %q, %v, want an error only if it is requested", part, info, got, err)
			}
		}
	}
}

// A NULL SACL is printed as a whole if the SACL is requested, and not at all if only one kind of its entries is
// (S-44).
func TestNULLSACLIsPrintedWhole(t *testing.T) {
	d := sddl.MustParse("O:BAS:NO_ACCESS_CONTROL")
	for info, want := range map[uint32]string{
		0: "O:BAS:NO_ACCESS_CONTROL", winnt.SACL_SECURITY_INFORMATION: "S:NO_ACCESS_CONTROL",
		winnt.LABEL_SECURITY_INFORMATION: "", winnt.SCOPE_SECURITY_INFORMATION: "",
		winnt.OWNER_SECURITY_INFORMATION | winnt.ATTRIBUTE_SECURITY_INFORMATION: "O:BA",
		winnt.SACL_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION:      "S:NO_ACCESS_CONTROL",
	} {
		got, err := sddl.Format(d, sddl.Options{Info: info})
		check.That(t, err == nil && got == want, "S-44: Format with parts %#x = %s, %v, want %s", info, got, err, want)
	}
}

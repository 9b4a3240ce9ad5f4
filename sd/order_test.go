package sd_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// Canonical order: S-77.
func TestCanonicalizeOrdersEntries(t *testing.T) {
	for in, want := range map[string]string{
		"D:(A;;FA;;;BA)(D;;FW;;;BG)":                           "D:(D;;FW;;;BG)(A;;FA;;;BA)",
		"D:(A;ID;FA;;;BA)(A;;FR;;;WD)(D;ID;FW;;;BG)":           "D:(A;;FR;;;WD)(A;ID;FA;;;BA)(D;ID;FW;;;BG)",
		"D:(OA;;CR;;;BA)(A;;FA;;;BA)(OD;;CR;;;BA)(D;;CC;;;BA)": "D:(D;;CC;;;BA)(OD;;CR;;;BA)(A;;FA;;;BA)(OA;;CR;;;BA)",
		"S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)":                       "S:(ML;;NW;;;LW)(AU;SA;FA;;;WD)",
		"D:(A;ID;FA;;;BU)(OA;ID;CR;;;BA)(A;;FA;;;BA)":          "D:(A;;FA;;;BA)(A;ID;FA;;;BU)(OA;ID;CR;;;BA)",
		"S:(AU;SA;FA;;;WD)(ML;ID;NW;;;LW)":                     "S:(ML;ID;NW;;;LW)(AU;SA;FA;;;WD)",
		"S:(AU;IDSA;FA;;;WD)(SP;;;;;S-1-17-1)(AU;SA;FA;;;WD)":  "S:(SP;;;;;S-1-17-1)(AU;SA;FA;;;WD)(AU;IDSA;FA;;;WD)",
	} {
		d := sddl.MustParse(in)
		l := d.DACL()
		if l == nil {
			l = d.SACL()
		}
		b := []byte(l.Binary())
		b[0] = 4 // the revision stays, even if no entry needs it
		l, _, _ = sd.DecodeACL(b)
		out := sd.Canonicalize(l)
		p := sd.Parts{DACL: out}
		if d.DACL() == nil {
			p = sd.Parts{SACL: out}
		}
		got := text(t, sd.New(p))
		check.That(t, got == want && !sd.IsCanonical(l) && sd.IsCanonical(out) && sd.Canonicalize(out) == out &&
			out.Revision() == l.Revision(), "%s became %s, want %s", in, got, want)
	}
	check.That(t, sd.IsCanonical(nil) && sd.Canonicalize(nil) == nil,
		"IsCanonical(nil) = false or Canonicalize(nil) is a list, want true and nil")
}

// A ListEditor joins neighbours of one meaning, and keeps all others apart (S-82, S-83, S-84).
func TestNormalizeJoinsOnlyEqualEntries(t *testing.T) {
	const one, two = "bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a86-0de6-11d0-a285-00aa003049e2"
	const zero = "00000000-0000-0000-0000-000000000000"
	for in, want := range map[string]string{
		// Entries for the whole object are before those for one type, whatever their SIDs.
		"(OA;;CR;" + one + ";;S-1-5-1)(A;;CC;;;NU)":        "(A;;CC;;;NU)(OA;;CR;" + one + ";;S-1-5-1)",
		"(OA;;CC;" + one + ";;WD)(OA;;DC;" + one + ";;WD)": "(OA;;CCDC;" + one + ";;WD)",
		"(OA;;CC;" + one + ";;WD)(OA;;DC;" + two + ";;WD)": "",
		"(OA;;CC;;" + one + ";WD)(OA;;DC;;" + two + ";WD)": "",
		"(OA;;CC;;" + one + ";WD)(OA;;DC;" + one + ";;WD)": "",
		// A GUID of zeros is a type too.
		"(OA;;CC;" + one + ";;WD)(OA;;DC;" + one + ";" + zero + ";WD)": "",
		"(OA;;CC;;" + one + ";WD)(OA;;DC;" + zero + ";" + one + ";WD)": "",
		"(XA;;CC;;;WD;(@User.a==1))(XA;;CC;;;WD;(@User.a==2))":         "",
		"(A;;CC;;;SY)(A;ID;CC;;;SY)(D;ID;CC;;;WD)(A;ID;CC;;;WD)":       "", // inherited ones stay in their order
		// The authority of a SID comes before its length, that before the sub-authorities, and these in their order.
		"(A;;CC;;;SY)(A;;CC;;;S-1-3-1-1)":    "(A;;CC;;;S-1-3-1-1)(A;;CC;;;SY)",
		"(A;;CC;;;S-1-5-1-1)(A;;CC;;;SY)":    "(A;;CC;;;SY)(A;;CC;;;S-1-5-1-1)",
		"(A;;CC;;;BA)(A;;CC;;;S-1-5-21-999)": "(A;;CC;;;S-1-5-21-999)(A;;CC;;;BA)",
		"(A;;CC;;;BU)(A;;CC;;;BA)":           "(A;;CC;;;BA)(A;;CC;;;BU)",
		"(A;;CC;;;S-1-5-1)(A;;CC;;;S-1-5-0)": "(A;;CC;;;S-1-5-0)(A;;CC;;;S-1-5-1)",
		// An entry without effect does not count in the order.
		"(A;;CC;;;WD)(D;;;;;BG)(A;;DC;;;WD)": "(A;;CCDC;;;WD)",
	} {
		if want == "" {
			want = strings.ReplaceAll(in, "==", " == ")
			want = strings.ReplaceAll(want, "@User", "@USER")
		}
		got := text(t, sd.New(sd.Parts{DACL: sd.ListEditor{}.Normalize(sddl.MustParse("D:" + in).DACL())}))
		check.Equal(t, got, "D:"+want, "D:%s is normalized to", in)
	}
	// An alarm has no effect, and a condition is joined with nothing.
	entry := func(kind sd.Type, x sd.ACEExtra) sd.ACE {
		return check.Must(sd.NewACE(kind, sd.SuccessfulAccess, 1, sid.Everyone, x))
	}
	for _, kind := range []sd.Type{sd.SystemAlarm, sd.SystemAlarmObject, sd.SystemAlarmCallback,
		sd.SystemAlarmCallbackObject} {
		got := sd.ListEditor{System: true}.Normalize(check.Must(sd.NewACL(entry(kind, sd.ACEExtra{}))))
		check.Equal(t, got.Len(), 0, "entries of type %v", kind)
	}
	// Nothing can inherit an inherit-only label without flags of inheritance.
	label := check.Must(sd.NewACL(check.Must(sd.NewACE(sd.SystemMandatoryLabel, sd.InheritOnly, 1, sid.LowLevel))))
	check.Equal(t, sd.ListEditor{Container: true, System: true}.Normalize(label).Len(), 0, "labels")
	callback := sd.AccessAllowedCallback
	pair := check.Must(sd.NewACL(entry(callback, sd.ACEExtra{}), entry(callback, sd.ACEExtra{AppData: []byte("artx")})))
	check.Equal(t, sd.ListEditor{}.Normalize(pair).Len(), 2, "callback entries, one of them with data")
}

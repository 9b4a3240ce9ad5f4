package index

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestRefusalNamesFirstCheckAndEntry checks which of the share, the folders and the document refuses a token, by which
// entry, and the sentence of docs/search.md about it.
func TestRefusalNamesFirstCheckAndEntry(t *testing.T) {
	spec := token.Spec{User: token.Group{SID: everyone}, Privileges: winnt.SeChangeNotifyPrivilege.Bit(),
		Integrity: sid.LowLevel, MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP}
	spec.EnabledPrivileges = spec.Privileges
	who := check.Must(token.New(spec))
	all, nobody := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)"), sddl.MustParse("O:BAG:SYD:")
	others := sddl.MustParse("O:BAG:SYD:(A;;FA;;;" + alice + ")")
	for _, c := range []struct {
		class                 Class
		by, entry, rights, is string
	}{
		{NewClass(all, all, "read", winnt.FILE_GENERIC_READ, winnt.FileObject), "", "", "", ""},
		{NewClass(sddl.MustParse("O:BAG:SYD:(D;;FR;;;WD)(A;;FA;;;WD)"), nil, "read", winnt.FILE_GENERIC_READ,
			winnt.FileObject), "document", "(D;;FR;;;WD)", "FR",
			"the document: entry 1 of its DACL denies read to Everyone (S-1-1-0)"},
		{NewClass(sddl.MustParse("O:BAG:SYD:(D;;CC;;;WD)(A;;SW;;;WD)"), nil, "read", winnt.FILE_GENERIC_READ,
			winnt.FileObject), "document", "(D;;CC;;;WD)", "CC",
			"the document: entry 1 of its DACL denies FILE_READ_DATA to Everyone (S-1-1-0)"},
		{NewClass(nobody, others, "read", winnt.FILE_GENERIC_READ, winnt.FileObject), "share", "", "FR",
			"the share: no entry of its DACL grants read"},
		{NewClass(nobody, nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject), "document", "", "FR",
			"the document: its DACL is empty, which grants nothing"},
		{NewClass(sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)S:(ML;;NR;;;SI)"), nil, "read", winnt.FILE_GENERIC_READ,
			winnt.FileObject), "document", "(ML;;NR;;;SI)", "CCSWLO",
			"the document: entry 1 of its SACL does not grant read"},
		{NewClass(sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;SI)(TL;;CC;;;S-1-19-512-8192)"), nil, "x",
			winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|winnt.FILE_EXECUTE, winnt.FileObject), "document",
			"(ML;;NW;;;SI)", "DC", "the document: entry 1 of its SACL does not grant FILE_WRITE_DATA"},
		{NewClass(nil, nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject), "document", "", "",
			"the document: its descriptor could not be read"},
	} {
		for _, folder := range []struct {
			descriptor string
			holders    bool
			passes     bool
		}{{"O:BAG:SYD:(A;;FA;;;WD)", false, true}, {"O:BAG:SYD:", true, true}, {"O:BAG:SYD:", false, false}} {
			class := c.class.Behind([]Class{NewPassing(sddl.MustParse(folder.descriptor), folder.holders)})
			r := class.refusal(who)
			if !folder.passes && c.by != "share" {
				check.That(t, r != nil && r.By == "folder" &&
					r.String() == "a folder above the document: its DACL is empty, which grants nothing", "%s: %v",
					c.is, r)
				continue
			}
			got := Refusal{}
			if r != nil {
				got = *r
			}
			check.That(t, got.By == c.by && got.Entry == c.entry && got.Rights == c.rights &&
				(r == nil || r.String() == c.is), "%+v: %s, want %s of the %s, %q", got, r, c.entry, c.by, c.is)
		}
	}
}

// TestRefusalNamesOnlyAccountOfItsEntry checks the sentences about an entry of an account with and without a name, and
// that an entry that cannot be parsed, or several in its place, name no account.
func TestRefusalNamesOnlyAccountOfItsEntry(t *testing.T) {
	for entry, account := range map[string]string{"(D;;FR;;;WD)": " to Everyone (S-1-1-0)",
		"(D;;FR;;;" + alice + ")": " to " + alice, "(D;;FR;;;WD)(A;;FR;;;" + alice + ")": "", "(D;;FR": ""} {
		r := &Refusal{By: "share", Reason: "AceDeny DACL 1", Entry: entry, Rights: "FR"}
		check.Equal(t, r.String(), "the share: entry 2 of its DACL denies read"+account, "%s", entry)
	}
}

// TestEvidenceHasRefusalOfKnownAnswers checks that the evidence of a run names what refused a person or token, with the
// share's configuration, and nothing for a class that is not decided (N-97). Filters take the person's own token.
func TestEvidenceHasRefusalOfKnownAnswers(t *testing.T) {
	d := firm(t)
	shared := *d
	shared.Principals = slices.Clone(d.Principals)
	shared.Principals[0].Withheld = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA
	shared.Principals[1].Who, shared.Principals[1].Token = d.Principals[1].SID(), d.Principals[2].Token
	decided := check.Must((Question{Rights: check.Must(words.Parse("read")), ShareText: "s",
		Share: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}).Worker(nil))
	check.NoError(t, decided.Directory(d, "v1", 1))
	undecided := check.Must((Question{Rights: decided.rights}).Rows(nil))
	for _, w := range []*Worker{decided, undecided} {
		x := newLive(w, t.TempDir())
		report(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + carol + ")")})
		if w == decided {
			check.NoError(t, w.Directory(d, "v2", 2)) // it changes no member
		}
		now := Moment(watch.Now())
		x.publish(w, &Watermark{Sources: map[string]Moment{"/t": now, directorySource: now}})
		x.setPeople(d, &shared)
		for _, c := range []struct {
			q    Query
			want string
		}{
			{Query{Who: "alice"}, "share CC"}, {Query{Who: "carol"}, ""}, {Query{Who: "bob"}, ""},
			{Query{Token: d.Principals[0].Token}, "document FR"}, {Query{Token: d.Principals[2].Token}, ""},
		} {
			e, got := x.Evidence("/t/a", c.q), ""
			if e.Refused != nil {
				got = e.Refused.By + " " + e.Refused.Rights
			}
			check.Equal(t, strings.Contains(e.Share, "(A;;FA;;;WD)") && e.Directory == "v1", w == decided,
				"the share and the version of %+v", e)
			if w == undecided {
				c.want = ""
			}
			check.Equal(t, got, c.want, "%+v with %+v", e, c.q)
		}
	}
	x := newLive(decided, t.TempDir())
	x.publish(decided, &Watermark{})
	x.setPeople(d, &shared)
	own, err := x.tokenOf(bob) // by the SID
	check.That(t, err == nil && own == d.Principals[1].Token, "the token of bob: %v, %v", own, err)
	d.Principals = d.Principals[:1] // he has left
	_, err = x.tokenOf("bob")
	check.That(t, err != nil, "a person without an account has a token")
}

// TestChangeHasEvidenceOfItsRight checks that a change names the directory version that decided its own right, which
// can be newer than that of the other rights.
func TestChangeHasEvidenceOfItsRight(t *testing.T) {
	w := deciding(t, "read+modify", "", "v1")
	report(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)(A;;FA;;;" + night + ")")})
	check.NoError(t, w.Directory(firm(t, func(string) string { return "Staff" }), "v2", 2)) // bob and carol leave Night
	s, found := newState(), map[string]string{}
	for _, e := range w.Take() {
		list := check.Must(s.changed(&e, true))
		for _, c := range list {
			found[c.Right] += c.Directory + " "
		}
	}
	check.That(t, found["read"] == "v1 " && found["modify"] == "v1 v2 ", "directory versions of the changes: %q", found)
}

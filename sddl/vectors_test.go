package sddl_test

import (
	"bytes"
	"encoding/hex"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
	"strconv"
	"strings"
	"testing"
)

// A row whose list has bytes after its last entry must be readable, but is not written with these bytes. They came from
// the version of Windows that recorded it.
func hasSlack(d *sd.Descriptor) bool {
	for _, l := range [...]*sd.ACL{d.DACL(), d.SACL()} {
		n := 8
		for _, a := range l.All() {
			n += len(a.Binary())
		}
		if l != nil && n != l.Size() {
			return true
		}
	}
	return false
}

// C-80, S-16, S-25, S-38: text to bytes as recorded on Windows.
func TestVectorsEncodeToRecordedBytes(t *testing.T) {
	for i, r := range recordings.Rows[struct{ SDDL, Domain, Hex string }](t, "sddl_to_bytes_windows.jsonl") {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			want := check.Must(hex.DecodeString(r.Hex))
			domain := sid.MustParse(r.Domain)
			d, err := sddl.Parse(r.SDDL, sddl.Options{Domain: domain})
			check.RequireThat(t, err == nil, "%s\n%v", r.SDDL, err)
			recorded, err := sd.Decode(want)
			check.RequireThat(t, err == nil, "the recorded bytes: %v", err)
			if got := recorded.AppendOriginal(nil); !bytes.Equal(got, want) {
				t.Errorf("S-13: reading and writing changes the bytes\ngot  %x\nwant %x", got, want)
			}
			if hasSlack(recorded) {
				a, errA := sddl.Format(d, sddl.Options{Domain: domain})
				b, errB := sddl.Format(recorded, sddl.Options{Domain: domain})
				check.That(t, a == b && errA == nil && errB == nil,
					"S-18: slack changes the text, want a = %s, no error, no error\n%s\n%s", b, a, b)
				return
			}
			if got := d.Binary(); !bytes.Equal(got, want) {
				t.Errorf("%s\ngot  %x\nwant %x", r.SDDL, got, want)
			}
		})
	}
}

// S-39, S-41, S-46: canonical text, and what Windows refuses.
func TestVectorsRoundTrip(t *testing.T) {
	o := sddl.Options{Domain: sid.MustParse("S-1-5-21-2457507606-2709100691-398136650")}
	for i, r := range recordings.Rows[struct {
		SDDL, Windows string
		Canonical     *string
	}](t, "sddl_roundtrip.jsonl") {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			d, err := sddl.Parse(r.SDDL, o)
			if r.Windows == "fail" {
				check.RequireThat(t, err != nil, "%s was read", r.SDDL)
				return
			}
			check.RequireThat(t, err == nil, "%s\n%v", r.SDDL, err)
			got := check.Must(sddl.Format(d, o))
			if r.Canonical != nil && got != strings.ReplaceAll(*r.Canonical, "0x12A05F200", "0x12a05f200") { // S-6: lower case
				t.Errorf("%s\ngot  %s\nwant %s", r.SDDL, got, *r.Canonical)
			}
			again, err := sddl.Parse(got, o)
			check.That(t, err == nil && bytes.Equal(again.Binary(), d.Binary()), "%s does not read back: %v", got, err)
		})
	}
}

// netRow is a recorded row of .NET's descriptors.
type netRow struct {
	ID, SDDL, Hex string
	Container     bool
	Owner, Group  string
	Operation     struct {
		Op, SID   string
		Sections  []string
		Protected bool
		Preserve  bool `json:"preserve_inheritance"`
	}
	Expected   any
	DACL, SACL []netACE
}

// netACE is a recorded entry.
type netACE struct {
	Flags     uint8
	Qualifier string
	Mask      uint32
	SID       string
}

func (a netACE) ace(t *testing.T) sd.ACE {
	kinds := map[string]sd.Type{"allow": sd.AccessAllowed, "deny": sd.AccessDenied, "audit": sd.SystemAudit}
	return check.Must(sd.NewACE(kinds[a.Qualifier], a.Flags, winnt.AccessMask(a.Mask), sid.MustParse(a.SID)))
}

var netDomain = sddl.Options{Domain: sid.MustParse("S-1-5-21-1-2-3")}

// canonical returns a descriptor as .NET constructs it: lists without entries of no effect.
func (r *netRow) canonical(d *sd.Descriptor) sd.Parts {
	p := d.Parts()
	p.DACL = sd.ListEditor{Container: r.Container}.Normalize(p.DACL)
	p.SACL = sd.ListEditor{Container: r.Container, System: true}.Normalize(p.SACL)
	return p
}

// list builds a list of recorded entries; nil stays nil.
func list(t *testing.T, rows []netACE) *sd.ACL {
	if rows == nil {
		return nil
	}
	var aces []sd.ACE
	for _, r := range rows {
		aces = append(aces, r.ace(t))
	}
	return check.Must(sd.NewACL(aces...))
}

// TestVectorsDescriptorPartsMatchDotNet prints the parts of descriptors as recorded of .NET. .NET prints a NULL DACL as
// full access for everyone; such descriptors are left out.
func TestVectorsDescriptorPartsMatchDotNet(t *testing.T) {
	parts := map[string]uint32{"owner": winnt.OWNER_SECURITY_INFORMATION, "group": winnt.GROUP_SECURITY_INFORMATION,
		"dacl": winnt.DACL_SECURITY_INFORMATION, "sacl": winnt.SACL_SECURITY_INFORMATION}
	for _, r := range recordings.Rows[netRow](t, "dotnet-acl/getsddlform.jsonl") {
		owner, _ := sid.Parse(r.Owner)
		group, _ := sid.Parse(r.Group)
		o := netDomain
		for _, s := range r.Operation.Sections {
			o.Info |= parts[s]
		}
		var control sd.Control
		if r.DACL != nil {
			control |= sd.DACLPresent
		}
		if r.SACL != nil {
			control |= sd.SACLPresent
		}
		d := sd.New(sd.Parts{Owner: owner, Group: group, DACL: list(t, r.DACL), SACL: list(t, r.SACL), Control: control})
		if o.Info == 0 {
			continue // .NET prints no part, but refmon prints all parts
		}
		if got, err := sddl.Format(d, o); err != nil || got != r.Expected {
			t.Errorf("%s: %q, %v, recorded %q, want %q, nil", r.ID, got, err, r.Expected, r.Expected)
		}
	}
}

// outcome returns the text after the row's operation.
func (r *netRow) outcome(t *testing.T) (string, error) {
	d, err := sddl.Parse(r.SDDL, netDomain)
	if err != nil {
		return "", err
	}
	if r.Hex != "" {
		b := check.Must(hex.DecodeString(r.Hex))
		if d, err = sd.Decode(b); err != nil {
			t.Errorf("S-25: %s: %v", r.ID, err)
			return "", err
		}
	}
	p := r.canonical(d)
	who, _ := sid.Parse(r.Operation.SID)
	protect := func(list **sd.ACL, bit sd.Control, e sd.ListEditor) {
		if p.Control &^= bit; r.Operation.Protected {
			if p.Control |= bit; !r.Operation.Preserve {
				*list, err = e.RemoveInherited(*list)
			}
		}
	}
	dacl, sacl := sd.ListEditor{Container: r.Container}, sd.ListEditor{Container: r.Container, System: true}
	switch r.Operation.Op {
	case "PurgeAccessControl":
		p.DACL, err = dacl.Purge(p.DACL, who)
	case "PurgeAudit":
		p.SACL, err = sacl.Purge(p.SACL, who)
	case "SetDaclProtection":
		protect(&p.DACL, sd.DACLProtected, dacl)
	case "SetSaclProtection":
		if p.SACL != nil {
			protect(&p.SACL, sd.SACLProtected, sacl)
		}
	}
	if err != nil {
		return "", err
	}
	return sddl.Format(sd.New(p), netDomain)
}

// TestVectorsTextAndEditsMatchDotNet compares texts and edits of descriptors with those recorded of .NET (S-82, S-83).
func TestVectorsTextAndEditsMatchDotNet(t *testing.T) {
	compared := 0
	for _, file := range []string{"createfromsddl", "createfromraw", "getbinaryform", "sd_purgeaccess", "sd_purgeaudit",
		"sd_setdaclprotection", "sd_setsaclprotection"} {
		for _, r := range recordings.Rows[netRow](t, "dotnet-acl/"+file+".jsonl") {
			want, ok := r.Expected.(string)
			if !ok || r.Operation.Op == "Write" || r.Operation.Op == "PurgeAudit" && r.Operation.SID == "" {
				continue // about buffers and nil arguments of that interface
			}
			got, err := r.outcome(t)
			switch compared++; {
			case strings.HasPrefix(want, "error:"):
				check.That(t, err != nil || r.SDDL == "", "%s: %q gives %q, recorded %s", r.ID, r.SDDL, got, want)
			case err != nil:
				t.Errorf("%s: %q: %v", r.ID, r.SDDL, err)
			case !strings.EqualFold(got, want):
				t.Errorf("%s\ngot  %s\nwant %s", r.ID, got, want)
			}
		}
	}
	t.Logf("%d rows compared", compared)
}

// TestVectorsFormatLikeWindowsEvents formats the descriptors that Windows wrote into its records as it wrote them.
func TestVectorsFormatLikeWindowsEvents(t *testing.T) {
	for i, text := range recordings.Rows[string](t, "windows-events/sds.jsonl") {
		d, err := sddl.Parse(text, sddl.Options{})
		if err != nil {
			t.Errorf("row %d: %v, want %s", i, err, text)
			continue
		}
		if got, err := sddl.Format(d, sddl.Options{}); err != nil || got != text {
			t.Errorf("row %d: %s (%v), want %s", i, got, err, text)
		}
	}
}

// TestVectorsCanonicalOrderMatchesDotNet compares which lists are in canonical order with what was recorded
// of .NET (S-82).
func TestVectorsCanonicalOrderMatchesDotNet(t *testing.T) {
	for file, system := range map[string]bool{"sd_isdaclcanonical": false, "sd_issaclcanonical": true} {
		for _, r := range recordings.Rows[netRow](t, "dotnet-acl/"+file+".jsonl") {
			d, err := sd.Decode(check.Must(hex.DecodeString(r.Hex)))
			if err != nil {
				t.Errorf("%s: %v", r.ID, err)
				continue
			}
			list := d.DACL()
			if system {
				list = d.SACL()
			}
			got := (sd.ListEditor{Container: r.Container, System: system}).Canonical(list)
			check.That(t, got == r.Expected, "%s: canonical is %v, recorded %v", r.ID, got, r.Expected)
		}
	}
}

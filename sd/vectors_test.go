package sd_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Every recorded descriptor is decoded and encoded to the same bytes, including slack (S-13, S-18, S-25). Every
// prefix is refused (C-79).
func TestRecordedDescriptorsRoundTrip(t *testing.T) {
	for i, r := range recordings.Rows[struct{ Hex string }](t, "sddl_to_bytes_windows.jsonl") {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			in, _ := hex.DecodeString(r.Hex)
			d := check.Must(sd.Decode(in))
			check.That(t, bytes.Equal(d.Append(nil), in) && bytes.Equal(d.AppendOriginal(nil), in),
				"encoded bytes differ from the recorded ones, want them equal")
			check.That(t, sd.ValidRelative(in), "ValidRelative = false, want true")
			for n := 0; n < len(in); n += 1 + len(in)/64 {
				check.RequireThat(t, check.Err(sd.Decode(in[:n])) != nil,
					"C-79: %d of %d bytes were decoded, want an error", n, len(in))
			}
		})
	}
}

// A Windows file server passed on the same flags (S-66). A recorded row has the flags of the child's entry, or 0 if the
// child has no entry or one without flags. [TestInheritFlagsMatchTwin] distinguishes these two.
func TestInheritFlagsMatchRecordedWindows(t *testing.T) {
	for _, r := range recordings.Rows[struct {
		Parent uint8 `json:"parent_ace_flags"`
		File   uint8 `json:"child_file_flags"`
		Dir    uint8 `json:"child_dir_flags"`
	}](t, "inherit_ace_flags.jsonl") {
		file, effective, ok := sd.InheritFlags(r.Parent, false)
		dir, _, _ := sd.InheritFlags(r.Parent, true)
		check.That(t, file == r.File && dir == r.Dir && effective == ok,
			"flags %#x: file gets %#x, effective %t, directory %#x, want %#x and %#x",
			r.Parent, file, effective, dir, r.File, r.Dir)
	}
}

// The control bits and flags of the stored descriptor (S-79, C-81) and of a new file (S-64, C-82) equal those
// recorded on a Windows file server.
func TestAutoInheritMatchesRecordedWindows(t *testing.T) {
	owner := sid.Administrators
	for i, r := range recordings.Rows[struct {
		SetControl   sd.Control `json:"parent_set_control"`
		SetInherited uint8      `json:"parent_set_ace_inherited"`
		GetControl   sd.Control `json:"parent_get_control"`
		GetInherited uint8      `json:"parent_get_ace_inherited"`
		Child        sd.Control `json:"child_control"`
		ChildACE     uint8      `json:"child_ace_inherited"`
	}](t, "autoinherit_flags.jsonl") {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			ace, _ := sd.NewACE(sd.AccessAllowed, sd.ObjectInherit|r.SetInherited, 0x1F01FF, owner)
			list, _ := sd.NewACL(ace)
			in := sd.New(sd.Parts{Control: r.SetControl, DACL: list})
			old := sd.New(sd.Parts{Owner: owner, Group: owner})
			dir, st := sd.Set(&sd.SetRequest{Information: winnt.DACL_SECURITY_INFORMATION, Old: old, New: in, IsContainer: true})
			check.Success(t, st)
			const word = sd.DACLAutoInheritRequest | sd.DACLAutoInherited | sd.DACLProtected
			if got := dir.Control() & word; got != r.GetControl {
				t.Errorf("stored control %#x, want %#x", got, r.GetControl)
			}
			if got := dir.DACL().At(0).Flags() & sd.Inherited; got != r.GetInherited {
				t.Errorf("stored flags %#x, want %#x", got, r.GetInherited)
			}
			var flags sd.AutoInherit
			if dir.Control()&sd.DACLAutoInherited != 0 {
				flags = sd.DACLAutoInherit
			}
			file, st := sd.Assign(&sd.AssignRequest{Parent: dir, Flags: flags, Subject: &sd.Caller{Owner: owner, Group: owner}})
			check.Success(t, st)
			if got := file.Control() & word; got != r.Child {
				t.Errorf("child's control %#x, want %#x", got, r.Child)
			}
			if got := file.DACL().At(0).Flags(); got != r.ChildACE {
				t.Errorf("child's flags %#x, want %#x", got, r.ChildACE)
			}
		})
	}
}

// TestEntriesMatchRecordedDotNet builds the entries recorded of .NET, byte for byte, and decodes its lists (S-13,
// S-23). Lists of revision 0 and 127, and entries of types that .NET does not know, are decoded there and refused here
// (docs/CAVEATS.md).
func TestEntriesMatchRecordedDotNet(t *testing.T) {
	kinds := map[string][2]sd.Type{"allow": {sd.AccessAllowed, sd.AccessAllowedCallback},
		"deny": {sd.AccessDenied, sd.AccessDeniedCallback}, "audit": {sd.SystemAudit, sd.SystemAuditCallback},
		"alarm": {sd.SystemAlarm, sd.SystemAlarmCallback}}
	for _, r := range recordings.Rows[struct {
		ID  string
		ACE *struct {
			Flags       uint8
			Qualifier   string
			Mask        winnt.AccessMask
			SID, Opaque string
			Callback    bool
			ObjectFlags *uint32 `json:"object_flags"`
		}
		Expected string
	}](t, "dotnet-acl/ace_binary.jsonl") {
		if r.ACE == nil || r.ACE.ObjectFlags != nil || kinds[r.ACE.Qualifier] == [2]sd.Type{} && r.ACE.Qualifier != "allow" {
			continue
		}
		kind := kinds[r.ACE.Qualifier][0]
		if r.ACE.Callback {
			kind = kinds[r.ACE.Qualifier][1]
		}
		data := check.Must(hex.DecodeString(r.ACE.Opaque))
		a, err := sd.NewACE(kind, r.ACE.Flags, r.ACE.Mask, sid.MustParse(r.ACE.SID), sd.ACEExtra{AppData: data})
		check.That(t, err == nil && fmt.Sprintf("%x", a.Binary()) == r.Expected,
			"%s: entry %x, %v, recorded %s", r.ID, a.Binary(), err, r.Expected)
	}
	for _, r := range recordings.Rows[struct{ ID, Hex, Expected string }](t, "dotnet-acl/rawacl_binary.jsonl") {
		b, err := hex.DecodeString(r.Hex)
		if r.Hex == "" || err != nil || len(b) < 2 {
			continue
		}
		_, _, err = sd.DecodeACL(b)
		if refused := r.Expected[:5] == "error" || b[0] < 2 || b[0] > 4; (err != nil) != refused {
			t.Errorf("S-23: %s: DecodeACL = %v, recorded %s", r.ID, err, r.Expected[:min(40, len(r.Expected))])
		}
	}
}

// netEntry is an entry of a list recorded of .NET.
type netEntry struct {
	Flags     uint8
	Qualifier string
	Mask      winnt.AccessMask
	SID       string
}

// netParts are the parts of a descriptor recorded of .NET. A nil list is absent.
type netParts struct {
	Control      uint32 // .NET ignores the upper half
	BinaryLength int    `json:"binary_length"`
	Owner, Group string
	DACL, SACL   []netEntry
}

// isNull is the list that .NET shows for a descriptor without a DACL. Its flags are CI and OI for containers.
func isNull(l []netEntry) bool {
	return len(l) == 1 && l[0].SID == "S-1-1-0" && l[0].Mask == 0xffffffff && l[0].Qualifier == "allow"
}

// netListOf builds a recorded list. nil stays nil.
func netListOf(t *testing.T, rows []netEntry) *sd.ACL {
	t.Helper()
	if rows == nil {
		return nil
	}
	kinds := map[string]sd.Type{"allow": sd.AccessAllowed, "deny": sd.AccessDenied, "audit": sd.SystemAudit}
	var aces []sd.ACE
	for _, r := range rows {
		aces = append(aces, check.Must(sd.NewACE(kinds[r.Qualifier], r.Flags, r.Mask, sid.MustParse(r.SID))))
	}
	return check.Must(sd.NewACL(aces...))
}

// optionalSID parses a SID; "" is the zero SID.
func optionalSID(s string) sid.SID {
	if s == "" {
		return sid.SID{}
	}
	return sid.MustParse(s)
}

// descriptor builds a descriptor as .NET does: a DACL is always present, and a SACL only if there is a list
// (docs/CAVEATS.md).
func (p netParts) descriptor(t *testing.T) *sd.Descriptor {
	t.Helper()
	control := sd.Control(p.Control&0xffff)&^sd.SACLPresent | sd.DACLPresent
	return sd.New(sd.Parts{Control: control, Owner: optionalSID(p.Owner), Group: optionalSID(p.Group),
		DACL: netListOf(t, p.DACL), SACL: netListOf(t, p.SACL)})
}

// TestDescriptorsMatchRecordedDotNet builds descriptors from the recorded parts and compares the control word, the
// length and each part (S-24).
func TestDescriptorsMatchRecordedDotNet(t *testing.T) {
	for _, r := range recordings.Rows[struct {
		netParts
		ID       string
		Expected json.RawMessage
	}](t, "dotnet-acl/sd_constructor.jsonl") {
		var want netParts
		if json.Unmarshal(r.Expected, &want) != nil {
			continue // a list that was made for another kind of object (docs/CAVEATS.md)
		}
		d := r.descriptor(t)
		check.That(t, uint32(d.Control()) == want.Control && len(d.Binary()) == want.BinaryLength,
			"%s: control %#x in %d bytes, recorded %#x in %d", r.ID, d.Control(), len(d.Binary()), want.Control,
			want.BinaryLength)
		check.That(t, d.Owner() == optionalSID(want.Owner) && d.Group() == optionalSID(want.Group),
			"%s: owner %v, group %v, recorded %s, %s", r.ID, d.Owner(), d.Group(), want.Owner, want.Group)
		if r.DACL == nil && isNull(want.DACL) {
			want.DACL = nil // .NET's picture of a NULL DACL (docs/CAVEATS.md)
		}
		sameList(t, r.ID, d.DACL(), netListOf(t, want.DACL))
		sameList(t, r.ID, d.SACL(), netListOf(t, want.SACL))
	}
}

func sameList(t *testing.T, id string, got, want *sd.ACL) {
	t.Helper()
	check.That(t, (got == nil) == (want == nil) && (got == nil || got.Binary() == want.Binary()),
		"%s: list %v, recorded %v", id, got, want)
}

// TestReplacedOwnerMatchesRecordedDotNet replaces the owner or the group of a descriptor as recorded of .NET; the other
// one stays.
func TestReplacedOwnerMatchesRecordedDotNet(t *testing.T) {
	for _, file := range []string{"sd_setowner", "sd_setgroup"} {
		for _, r := range recordings.Rows[struct {
			netParts
			ID        string
			Operation struct{ Op, SID string }
			Expected  string
		}](t, "dotnet-acl/"+file+".jsonl") {
			p := r.descriptor(t).Parts()
			owner, group := p.Owner, optionalSID(r.Expected)
			if r.Operation.Op == "SetOwner" {
				owner, group = optionalSID(r.Expected), p.Group
				p.Owner = optionalSID(r.Operation.SID)
			} else {
				p.Group = optionalSID(r.Operation.SID)
			}
			d := decodeHex(t, r.ID, fmt.Sprintf("%x", sd.New(p).Binary()))
			check.That(t, d.Owner() == owner && d.Group() == group,
				"%s: owner %v, group %v, recorded %v, %v", r.ID, d.Owner(), d.Group(), owner, group)
		}
	}
}

// TestReplacedListMatchesRecordedDotNet replaces one list of a descriptor as recorded of .NET; the other one stays.
func TestReplacedListMatchesRecordedDotNet(t *testing.T) {
	for _, file := range []string{"sd_setdacl", "sd_setsacl"} {
		for _, r := range recordings.Rows[struct {
			ID, Hex   string
			Operation struct {
				Op  string
				ACL []netEntry
			}
			Expected json.RawMessage
			Present  bool `json:"control_present"`
		}](t, "dotnet-acl/"+file+".jsonl") {
			var rows []netEntry
			if json.Unmarshal(r.Expected, &rows) != nil {
				continue // a list that was made for another kind of object (docs/CAVEATS.md)
			}
			if r.Operation.ACL == nil && isNull(rows) {
				rows = nil // .NET's picture of a NULL DACL (docs/CAVEATS.md)
			}
			p := decodeHex(t, r.ID, r.Hex).Parts()
			dacl, sacl, bit := netListOf(t, rows), p.SACL, sd.DACLPresent
			if r.Operation.Op == "SetSacl" {
				dacl, sacl, bit = p.DACL, netListOf(t, rows), sd.SACLPresent
				p.SACL = netListOf(t, r.Operation.ACL)
			} else {
				p.DACL = netListOf(t, r.Operation.ACL)
			}
			d := decodeHex(t, r.ID, fmt.Sprintf("%x", sd.New(p).Binary()))
			present := d.Control()&bit != 0
			check.That(t, present == r.Present, "%s: control %#x, recorded presence %v", r.ID, d.Control(), r.Present)
			sameList(t, r.ID, d.DACL(), dacl)
			sameList(t, r.ID, d.SACL(), sacl)
		}
	}
}

func decodeHex(t *testing.T, id, text string) *sd.Descriptor {
	t.Helper()
	d, err := sd.Decode(check.Must(hex.DecodeString(text)))
	check.RequireThat(t, err == nil, "%s: %v", id, err)
	return d
}

// TestEmptyListsMatchRecordedDotNet reads empty lists as .NET writes them: canonical, 8 bytes, of the recorded
// revision. It refuses revisions other than 2 to 4 (docs/CAVEATS.md).
func TestEmptyListsMatchRecordedDotNet(t *testing.T) {
	for _, r := range recordings.Rows[struct {
		ID, Kind, Hex string
		Container     bool
		Revision      uint8
		Canonical     bool
	}](t, "dotnet-acl/construct_empty.jsonl") {
		if r.Hex == "" {
			continue // a negative capacity, which no function here has
		}
		b := check.Must(hex.DecodeString(r.Hex))
		l, _, err := sd.DecodeACL(b)
		if refused := r.Revision < 2 || r.Revision > 4; refused || err != nil {
			check.That(t, (err != nil) == refused,
				"S-23: %s: %v, want an error for revision %d: %v", r.ID, err, r.Revision, refused)
			continue
		}
		e := sd.ListEditor{Container: r.Container, System: r.Kind == "sacl"}
		if got := e.Normalize(l); got.Binary() != string(b) || e.Canonical(got) != r.Canonical {
			t.Errorf("%s: list %x, canonical %v, recorded %s, %v", r.ID, got.Binary(), e.Canonical(got), r.Hex, r.Canonical)
		}
	}
}

// TestAddedRuleMatchesRecordedDotNet adds a recorded rule to an empty list. The entry has exactly the rule's trustee,
// type and flags. Flags outside the enumerations are refused there and here.
func TestAddedRuleMatchesRecordedDotNet(t *testing.T) {
	for _, r := range recordings.Rows[struct {
		ID, Expected string
		Operation    struct {
			Op, SID                         string
			Inheritance, Propagation, Audit uint8
		}
	}](t, "dotnet-acl/rules.jsonl") {
		o := r.Operation
		e := sd.ListEditor{Container: true, System: o.Op == "NewAuditRule"}
		rule := sd.Rule{Type: sd.AccessAllowed, Mask: 1, Trustee: sid.Everyone}
		if o.SID != "" {
			rule.Trustee = sid.MustParse(o.SID)
		}
		rule.Flags = [4]uint8{0, sd.ContainerInherit, sd.ObjectInherit,
			sd.ObjectInherit | sd.ContainerInherit}[o.Inheritance&3]
		rule.Flags |= [4]uint8{0, sd.NoPropagateInherit, sd.InheritOnly,
			sd.NoPropagateInherit | sd.InheritOnly}[o.Propagation&3]
		if e.System {
			rule.Type = sd.SystemAudit
			rule.Flags |= o.Audit & 3 << 6
		}
		if o.Inheritance > 3 || o.Audit > 3 {
			rule.Flags |= 0x20 // the only bit of the flags that no enumeration of .NET has
			if e.System {
				rule.Flags |= sd.FailedAccess
			}
		}
		l, err := e.Add(new(sd.ACL), rule)
		if refused := r.Expected != "ok"; refused || err != nil {
			check.That(t, (err != nil) == refused, "%s: %v, recorded %s", r.ID, err, r.Expected)
			continue
		}
		a := l.At(0)
		if l.Len() != 1 || a.SID() != rule.Trustee || a.Type() != rule.Type || a.Flags() != rule.Flags || a.Mask() != 1 {
			t.Errorf("%s: entry %x, want %+v", r.ID, a.Binary(), rule)
		}
	}
}

package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// newMove returns a rename of a file to another directory, whose DACL is target.
func newMove(t *testing.T, target string, change ...func(*fileaccess.Move)) fileaccess.Move {
	m := fileaccess.Move{Subject: access.SubjectOf(mustToken(t, baseSpec())), Granted: 0x10000}
	m.Target.Object = fileaccess.Object{Exists: true, IsDirectory: true, Descriptor: aces(t, target)}
	for _, f := range change {
		f(&m)
	}
	return m
}

func granted(g winnt.AccessMask) func(*fileaccess.Move) {
	return func(m *fileaccess.Move) { m.Granted = g }
}

func holding(t *testing.T, ps ...winnt.Privilege) func(*fileaccess.Move) {
	return func(m *fileaccess.Move) {
		s := &situation{t: t, token: baseSpec()}
		with(ps...)(s)
		m.Subject = access.SubjectOf(mustToken(t, s.token))
	}
}

func existing(x fileaccess.Existing) func(*fileaccess.Move) {
	return func(m *fileaccess.Move) { m.Existing = &x }
}

// DecideRename returns the statuses of the conformance cases and of further cases (FO-072 to FO-076, F-57, F-58).
func TestDecideRenameStatuses(t *testing.T) {
	isDir := func(m *fileaccess.Move) { m.Directory = true }
	replace := func(m *fileaccess.Move) { m.ReplaceIfExists = true }
	inside := func(m *fileaccess.Move) { m.SameDirectory = true }
	intent := func(m *fileaccess.Move) { m.Intent = true } // backup intent (F-209)
	empty := aces(t, "empty")
	for _, c := range []struct {
		id   string
		m    fileaccess.Move
		want ntstatus.Status
		rule string
	}{
		{"FO-072a", newMove(t, "(A;;FA;;;WD)"), 0, ""},
		{"FO-072b", newMove(t, "(A;;FA;;;WD)", granted(0x100)), denied, "F-57"},
		{"FO-072c", newMove(t, "(A;;0x100002;;;U)"), 0, ""},
		{"FO-072d", newMove(t, "(A;;0x2;;;U)"), denied, "F-44"},
		{"FO-072e", newMove(t, "(A;;0x1200A9;;;U)"), denied, "F-44"},
		{"FO-073a", newMove(t, "(A;;0x100002;;;U)", isDir), denied, "F-44"},
		{"FO-073b", newMove(t, "(A;;0x4;;;U)", isDir), 0, ""},
		{"FO-074a", newMove(t, "(A;;FA;;;U)", existing(fileaccess.Existing{})), collision, "F-58"},
		{"FO-074b", newMove(t, "(A;;FA;;;U)", replace, existing(fileaccess.Existing{Attributes: readOnly})), denied, "F-58"},
		{"FO-074c", newMove(t, "(A;;FA;;;U)", replace, existing(fileaccess.Existing{IsDirectory: true})), denied, "F-58"},
		{"FO-074d", newMove(t, "(A;;FA;;;U)", replace, existing(fileaccess.Existing{Descriptor: empty})), 0, ""},
		{"hidden", newMove(t, "(A;;FA;;;U)", replace,
			existing(fileaccess.Existing{Descriptor: empty, Attributes: fileaccess.AttributeHidden})), 0, ""},
		{"FO-075a", newMove(t, "(A;;0x100002;;;U)", replace, existing(fileaccess.Existing{Descriptor: empty})),
			denied, "F-58"},
		{"FO-075b", newMove(t, "(A;;0x100002;;;U)", replace,
			existing(fileaccess.Existing{Descriptor: aces(t, "(A;;SD;;;U)")})), 0, ""},
		{"FO-076a", newMove(t, "empty", holding(t, restore)), 0, ""},
		{"FO-076b", newMove(t, "empty"), denied, "F-44"},
		{"FO-076c", newMove(t, "empty", holding(t, restore), inside), denied, "F-57"},
		{"same directory, with intent", newMove(t, "empty", holding(t, restore), inside, intent), 0, ""},
		{"intent without the privilege", newMove(t, "empty", inside, intent), denied, "F-44"},
		{"over a file, with intent", newMove(t, "empty", holding(t, restore), inside, intent, replace,
			existing(fileaccess.Existing{Descriptor: empty})), 0, ""},
		{"over a file, without intent", newMove(t, "(A;;0x100002;;;U)", holding(t, restore), replace,
			existing(fileaccess.Existing{Descriptor: empty})), denied, "F-58"},
		{"over a file above the caller's level, with intent", newMove(t, "empty", holding(t, restore), inside, intent,
			replace, existing(fileaccess.Existing{Descriptor: aces(t, "(A;;FA;;;U)S:(ML;;NW;;;SI)")})), denied, "F-58"},
		{"over a file above the caller's level, by the directory", newMove(t, "(A;;FA;;;U)", replace,
			existing(fileaccess.Existing{Descriptor: aces(t, "(A;;FA;;;U)S:(ML;;NW;;;SI)")})), denied, "F-58"},
		{"over a file with a label of the caller's level", newMove(t, "(A;;FA;;;U)", replace,
			existing(fileaccess.Existing{Descriptor: aces(t, "(A;;FR;;;U)S:(ML;;NW;;;ME)")})), 0, ""},
		{"over a file without a descriptor, with intent", newMove(t, "empty", holding(t, restore), inside, intent, replace,
			existing(fileaccess.Existing{})), denied, "F-58"},
		{"same directory, by SMB", newMove(t, "empty", holding(t, restore), inside,
			func(m *fileaccess.Move) { m.Face = fileaccess.SMB }), 0, ""},
		{"same directory, by Win32", newMove(t, "empty", holding(t, restore), inside,
			func(m *fileaccess.Move) { m.Face = fileaccess.Win32 }), 0, ""},
		{"bad name", newMove(t, "(A;;FA;;;U)", func(m *fileaccess.Move) { m.BadName = true }), invalid, "F-57"},
		{"bad name, without DELETE", newMove(t, "(A;;FA;;;U)", granted(0x100),
			func(m *fileaccess.Move) { m.BadName = true }), denied, "F-57"},
		{"deleted source", newMove(t, "(A;;FA;;;U)", func(m *fileaccess.Move) { m.DeletePending = true }), denied, "F-57"},
		{"deleted source, to its own name", newMove(t, "(A;;FA;;;U)", inside,
			func(m *fileaccess.Move) { m.DeletePending, m.SameName = true, true }), denied, "F-57"},
		{"open descendants", newMove(t, "(A;;FA;;;U)", isDir, func(m *fileaccess.Move) { m.OpensBelow = true }), denied,
			"F-57"},
		{"open descendants, to its own name", newMove(t, "(A;;FA;;;U)", isDir, inside,
			func(m *fileaccess.Move) { m.OpensBelow, m.SameName = true, true }), denied, "F-57"},
		{"undeletable target to be deleted", newMove(t, "(A;;FA;;;U)", replace, existing(fileaccess.Existing{
			DeletePending: true, Attributes: fileaccess.AttributeReadOnly})), denied, "F-58"},
		{"target directory to be deleted", newMove(t, "(A;;FA;;;U)", replace, existing(fileaccess.Existing{
			DeletePending: true, IsDirectory: true})), denied, "F-58"},
		{"open target to be deleted, without DELETE", newMove(t, "(A;;0x100002;;;U)", replace,
			existing(fileaccess.Existing{Descriptor: empty, DeletePending: true, Open: true})),
			ntstatus.DeletePending, "F-58"},
		{"open below, a file", newMove(t, "(A;;FA;;;U)", func(m *fileaccess.Move) { m.OpensBelow = true }), 0, ""},
		{"same name in another directory", newMove(t, "(A;;FA;;;U)", existing(fileaccess.Existing{}),
			func(m *fileaccess.Move) { m.SameName = true }), collision, "F-58"},
		{"target to be deleted", newMove(t, "(A;;FA;;;U)", replace, existing(fileaccess.Existing{DeletePending: true})),
			ntstatus.DeletePending, "F-58"},
		{"target open", newMove(t, "(A;;FA;;;U)", replace, existing(fileaccess.Existing{Open: true})), denied, "F-58"},
		{"level", newMove(t, "(A;;FA;;;U)", func(m *fileaccess.Move) { m.Subject.Level = winnt.SecurityIdentification }),
			ntstatus.BadImpersonationLevel, "A-30"},
		{"no token", newMove(t, "(A;;FA;;;U)", func(m *fileaccess.Move) { m.Subject = access.Subject{} }),
			ntstatus.NoToken, "A-30"},
	} {
		if d := fileaccess.DecideRename(&c.m); d.Status() != c.want || d.Rule != c.rule ||
			d.Allowed() != (c.want == 0) || d.Replaces != (d.Allowed() && c.m.Existing != nil) {
			t.Errorf("DecideRename, %s: %v by %q, replaces %t; want %v by %q", c.id, d.Status(), d.Rule, d.Replaces,
				c.want, c.rule)
		}
	}
	m := newMove(t, "(A;;0x2;;;U)", inside, func(m *fileaccess.Move) { m.SameName = true })
	d := fileaccess.DecideRename(&m)
	check.That(t, d.Allowed() && d.Nothing, "F-57: DecideRename to the same name: %+v, want allowed, and nothing to do", d)
	m = newMove(t, "empty", holding(t, restore))
	if d := fileaccess.DecideRename(&m); d.PrivilegesUsed != restore.Bit() {
		t.Errorf("F-57: used privileges %v, want SeRestorePrivilege", d.PrivilegesUsed.Names())
	}
	m = newMove(t, "empty", holding(t, backup, restore), intent, replace, existing(fileaccess.Existing{Descriptor: empty}))
	if d := fileaccess.DecideRename(&m); d.PrivilegesUsed != backup.Bit()|restore.Bit() || !d.Replaces {
		t.Errorf("F-209: replaces %t, used privileges %v; want true, those of the open and of the deletion", d.Replaces,
			d.PrivilegesUsed.Names())
	}
	m = newMove(t, "empty", holding(t, backup))
	if d := fileaccess.DecideRename(&m); d.Allowed() || d.PrivilegesUsed != backup.Bit() {
		t.Errorf("F-57: refused %t, used privileges %v; want true, those of the open", !d.Allowed(), d.PrivilegesUsed.Names())
	}
	// F-60: a MoveDecision has no descriptor, because a move does not change any.
}

// DecideLink returns the statuses of the conformance cases and of further cases (FO-077, F-59).
func TestDecideLinkStatuses(t *testing.T) {
	attrs := granted(0x100)
	for _, c := range []struct {
		id   string
		m    fileaccess.Move
		want ntstatus.Status
		rule string
	}{
		{"FO-077a", newMove(t, "(A;;FA;;;U)", attrs, func(m *fileaccess.Move) { m.Directory = true }),
			ntstatus.FileIsADirectory, "F-59"},
		{"FO-077b", newMove(t, "(A;;0x100004;;;U)", attrs), denied, "F-44"},
		{"FO-077c", newMove(t, "(A;;FA;;;U)", granted(0x10000)), denied, "F-59"},
		{"write data instead of attributes", newMove(t, "(A;;FA;;;U)", granted(0x1301BF&^0x100)), denied, "F-59"},
		{"inside", newMove(t, "(A;;0x100004;;;U)", attrs, func(m *fileaccess.Move) { m.SameDirectory = true }), denied,
			"F-44"},
		{"LinkNeedsNothing", newMove(t, "(A;;FA;;;U)", granted(0),
			func(m *fileaccess.Move) { m.Target.Policy.LinkNeedsNothing = true }), 0, ""},
		{"granted", newMove(t, "(A;;0x100002;;;U)", attrs), 0, ""},
		{"stream", newMove(t, "(A;;FA;;;U)", attrs, func(m *fileaccess.Move) { m.Stream = true }), invalid, "F-59"},
		{"stream of a directory", newMove(t, "(A;;FA;;;U)", attrs,
			func(m *fileaccess.Move) { m.Stream, m.Directory = true, true }), invalid, "F-59"},
		{"no SYNCHRONIZE on the directory", newMove(t, "(A;;0x2;;;U)", attrs), denied, "F-44"},
		{"deleted source", newMove(t, "(A;;FA;;;U)", attrs, func(m *fileaccess.Move) { m.DeletePending = true }), denied,
			"F-59"},
		{"bad name", newMove(t, "(A;;FA;;;U)", attrs, func(m *fileaccess.Move) { m.BadName = true }), invalid, "F-59"},
		{"existing name", newMove(t, "(A;;FA;;;U)", attrs, existing(fileaccess.Existing{})), collision, "F-58"},
	} {
		if d := fileaccess.DecideLink(&c.m); d.Status() != c.want || d.Rule != c.rule {
			t.Errorf("DecideLink, %s: %v by %q, want %v by %q", c.id, d.Status(), d.Rule, c.want, c.rule)
		}
	}
}

package audit

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// ShareExposed returns event 5142: a directory is served under a name, although users
// can reach its files without refmon. The field Exposure, after the documented fields,
// names these users and the paths.
func ShareExposed(from Origin, name, path, exposure string) Event {
	var l fieldList
	from.appendAccount(&l, "Subject", sid.LocalSystem, 0)
	l.name("ShareName", shareName(name))
	l.name("ShareLocalPath", path)
	l.name("Exposure", exposure)
	return Event{Header: Header{ID: 5142, Subcategory: FileShare}, fields: l, admin: from.admin()}
}

// shareName returns a share's name as events show it, \\*\name.
func shareName(name string) string { return `\\*\` + name }

// ShareCheck describes a request for a file through a share, for [Log.ShareChecked], after the share's descriptor
// allowed or refused it.
type ShareCheck struct {
	Share, Path string // the share's name, and where its files are on the host
	Target      string // the file, below the share
	Outcome     Outcome
	// Request is the check of the share's descriptor for the rights in the record. They are
	// mapped and have no MAXIMUM_ALLOWED.
	Request access.Request
}

// ShareChecked records a request through a share, event 5145, if Detailed File Share is on
// for its outcome and the subject. A status other than success is STATUS_AUDIT_FAILED, and
// the open must fail with it (F-178).
func (l *Log) ShareChecked(from Origin, check *ShareCheck) ntstatus.Status {
	from = l.named(from)
	from.Subject = check.Request.Subject
	return l.writeIf(from, check.event(from))
}

// event returns event 5145, a check of the share's descriptor for a file, with each right and its reason.
func (c *ShareCheck) event(from Origin) Event {
	var l fieldList
	from.appendSubject(&l)
	o := Object{Type: winnt.FileObject.Name}
	l.name("ObjectType", o.Type)
	l.name("IpAddress", "")
	l.name("IpPort", "")
	l.name("ShareName", shareName(c.Share))
	l.name("ShareLocalPath", c.Path)
	l.name("RelativeTargetName", c.Target)
	lines := accessLines(o.rightsType(), c.Request.Desired, explainAccess(&c.Request))
	l.hex("AccessMask", uint64(c.Request.Desired))
	l.list("AccessList", accessList, codes(lines))
	l.list("AccessReason", accessList, reasonTexts(lines))
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 5145, Subcategory: DetailedFileShare, Outcome: c.Outcome},
		fields: l, admin: from.admin(), access: lines}
}

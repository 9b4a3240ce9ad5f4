package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// privileges are those of RFC 3744, 3, with the rights that each stands for; those of refmond
// alone have a namespace of their own.
var privileges = []struct {
	name string
	mask winnt.AccessMask
}{
	{"D:read", winnt.FILE_READ_DATA | winnt.FILE_READ_ATTRIBUTES | winnt.FILE_READ_EA},
	{"D:write", winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_WRITE_ATTRIBUTES | winnt.FILE_WRITE_EA},
	{"D:write-properties", winnt.FILE_WRITE_ATTRIBUTES | winnt.FILE_WRITE_EA},
	{"D:write-content", winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA},
	{"D:bind", winnt.FILE_ADD_FILE | winnt.FILE_ADD_SUBDIRECTORY},
	{"D:unbind", winnt.FILE_DELETE_CHILD},
	{"D:unlock", winnt.FILE_WRITE_DATA},
	{"D:read-acl", winnt.READ_CONTROL},
	{"D:write-acl", winnt.WRITE_DAC},
	{"R:execute", winnt.FILE_EXECUTE},
	{"R:delete", winnt.DELETE},
	{"R:write-owner", winnt.WRITE_OWNER},
}

// fullRights are those of D:all.
const fullRights winnt.AccessMask = 0x1F01FF

// inPrivileges writes the privileges that rights give: each whose rights are all there.
func inPrivileges(b *strings.Builder, mask winnt.AccessMask, dir bool) {
	if mask&fullRights == fullRights {
		b.WriteString("<D:privilege><D:all/></D:privilege>")
	}
	for _, p := range privileges {
		if (p.name == "D:bind" || p.name == "D:unbind") && !dir {
			continue
		}
		if mask&p.mask == p.mask {
			fmt.Fprintf(b, "<D:privilege><%s/></D:privilege>", p.name)
		}
	}
}

// lackingPrivileges returns the smallest privileges that have rights, for need-privileges.
func lackingPrivileges(mask winnt.AccessMask) (names []string) {
	mask = winnt.FileObject.Mapping.Map(mask)
	for _, p := range privileges {
		if p.name != "D:write" && p.name != "D:unlock" && mask&p.mask != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// accessProperties are read only and told to who names them (RFC 3744, 5).
var accessProperties = []liveProperty{
	{"owner", false, false, func(t *teller) (string, int) { return t.principal((*sd.Descriptor).Owner) }},
	{"group", false, false, func(t *teller) (string, int) { return t.principal((*sd.Descriptor).Group) }},
	{"acl", false, false, (*teller).acl},
	{"current-user-privilege-set", false, false, (*teller).ownPrivileges},
	{"current-user-principal", false, false, func(t *teller) (string, int) {
		return "<D:href>" + principalHref(t.q.s.user) + "</D:href>", http.StatusOK
	}},
	{"principal-collection-set", false, false, func(*teller) (string, int) {
		return "<D:href>/principals/</D:href>", http.StatusOK
	}},
}

func principalHref(s sid.SID) string { return "/principals/sid/" + s.String() }

// descriptor returns the owner, group and DACL, to who may read them (G-9).
func (t *teller) descriptor() *sd.Descriptor {
	h, st := t.q.open(t.at, winnt.READ_CONTROL, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return nil
	}
	defer t.q.s.p.release(h)
	var d *sd.Descriptor
	t.q.s.p.do(t.q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		d, st = th.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.GROUP_SECURITY_INFORMATION|
			winnt.DACL_SECURITY_INFORMATION)
		if st != ntstatus.Success {
			d = nil
		}
		return st
	})
	return d
}

func (t *teller) principal(of func(*sd.Descriptor) sid.SID) (string, int) {
	if t.at.tree == "" {
		return "", http.StatusNotFound
	}
	d := t.descriptor()
	if d == nil {
		return "", http.StatusForbidden
	}
	if of(d) == (sid.SID{}) {
		return "", http.StatusOK
	}
	return "<D:href>" + principalHref(of(d)) + "</D:href>", http.StatusOK
}

// acl tells the entries in their order; those that grant or deny nothing to a subject by
// themselves (inherit-only ones) are left out.
func (t *teller) acl() (string, int) {
	if t.at.tree == "" {
		return "", http.StatusNotFound
	}
	d := t.descriptor()
	if d == nil {
		return "", http.StatusForbidden
	}
	var b strings.Builder
	if d.DACL() == nil {
		b.WriteString("<D:ace><D:principal><D:all/></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant>" +
			"<D:protected/></D:ace>")
		return b.String(), http.StatusOK
	}
	for _, e := range d.DACL().All() {
		t.ace(&b, e)
	}
	return b.String(), http.StatusOK
}

// ownPrivileges tells what the client may do, by one open for everything that it may.
func (t *teller) ownPrivileges() (string, int) {
	if t.at.tree == "" {
		return "<D:privilege><D:read/></D:privilege>", http.StatusOK
	}
	var b strings.Builder
	h, st := t.q.open(t.at, winnt.MAXIMUM_ALLOWED, winnt.FILE_OPEN, 0)
	var granted winnt.AccessMask
	if st == ntstatus.Success {
		defer t.q.s.p.release(h)
		t.q.s.p.do(t.q.ctx, func(th *nt.Thread) ntstatus.Status {
			v, st := th.NtQueryInformationFile(h, nt.FileAccessInformation)
			if a, ok := v.(nt.AccessInformation); ok {
				granted = a.AccessFlags
			}
			return st
		})
	}
	inPrivileges(&b, granted, t.f.dir)
	b.WriteString("<D:privilege><D:read-current-user-privilege-set/></D:privilege>")
	return b.String(), http.StatusOK
}

// ace writes an entry.
func (t *teller) ace(b *strings.Builder, e sd.ACE) {
	kind := "grant"
	switch e.Type() {
	case sd.AccessDenied, sd.AccessDeniedCallback:
		kind = "deny"
	case sd.AccessAllowed, sd.AccessAllowedCallback:
	default:
		return // object entries and those of the system say nothing about a file's rights
	}
	if e.Flags()&sd.InheritOnly != 0 {
		return
	}
	fmt.Fprintf(b, "<D:ace><D:principal>%s</D:principal><D:%s>", principalOf(e.SID()), kind)
	if e.Type() == sd.AccessAllowedCallback || e.Type() == sd.AccessDeniedCallback {
		// It counts under a condition that RFC 3744 has no words for: no privilege of it is told.
		b.WriteString("<D:privilege><R:conditional/></D:privilege>")
	} else {
		inPrivileges(b, winnt.FileObject.Mapping.Map(e.Mask()), t.f.dir)
	}
	fmt.Fprintf(b, "</D:%s><D:protected/>", kind)
	if e.Flags()&sd.Inherited != 0 {
		dir, _ := t.at.above()
		fmt.Fprintf(b, "<D:inherited><D:href>%s</D:href></D:inherited>", text(dir.href(true)))
	}
	b.WriteString("</D:ace>")
}

// principalOf returns a principal as RFC 3744 has it. Everyone is not quite all, as it may
// leave out Anonymous, and stays a SID.
func principalOf(s sid.SID) string {
	switch s {
	case sid.AuthenticatedUsers:
		return "<D:authenticated/>"
	case sid.OwnerRights:
		return "<D:property><D:owner/></D:property>"
	case sid.PrincipalSelf:
		return "<D:self/>"
	}
	return "<D:href>" + principalHref(s) + "</D:href>"
}

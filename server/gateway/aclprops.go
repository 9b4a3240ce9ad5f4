package gateway

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// rightsSpace is the XML namespace of the privileges that RFC 3744 does not define.
const rightsSpace = "https://github.com/refmon/refmon/ns/rights"

// propertyReader computes the WebDAV properties of one file that depend on the client's rights: owner, ACL, privileges
// and quota.
type propertyReader struct {
	q   *request
	at  place
	dir bool
}

// Property returns the value of an access property (RFC 3744) or quota (RFC 4331) as XML, with code 200. It returns
// "" and 404 for any other name, and 403 if the client may not read the descriptor that it needs.
func (f files) Property(name dav.Path, i *dav.Info, local string) (value string, code int) {
	if of := accessProperties[local]; of != nil {
		return of(&propertyReader{f.q, placeOf(name), i.Folder})
	}
	return "", http.StatusNotFound
}

// privileges lists the privileges of RFC 3744, 3, and refmon's own (prefix R), each with its access rights.
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

// fullRights are the rights of D:all: all rights of a file.
const fullRights winnt.AccessMask = 0x1F01FF

// inPrivileges writes a D:privilege element for each WebDAV privilege in an access mask (RFC 3744). The mask must
// have all rights of the privilege. All file rights together also give D:all. D:bind and D:unbind need dir.
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

// lackingPrivileges names the WebDAV privileges that a denied client would need (D:need-privileges): those that cover
// any right in mask. It maps generic rights first and leaves out D:write and D:unlock. It returns nil if there are
// none.
func lackingPrivileges(mask winnt.AccessMask) (names []string) {
	mask = winnt.FileObject.Mapping.Map(mask)
	for _, p := range privileges {
		if p.name != "D:write" && p.name != "D:unlock" && mask&p.mask != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// accessProperties has the read-only properties of RFC 3744, 5 and RFC 4331 by local name. PROPFIND returns their
// values only if the client names them.
var accessProperties = map[string]func(*propertyReader) (value string, code int){
	"owner":                      func(t *propertyReader) (string, int) { return t.principal((*sd.Descriptor).Owner) },
	"group":                      func(t *propertyReader) (string, int) { return t.principal((*sd.Descriptor).Group) },
	"acl":                        (*propertyReader).acl,
	"current-user-privilege-set": (*propertyReader).ownPrivileges,
	"current-user-principal": func(t *propertyReader) (string, int) {
		return "<D:href>" + principalHref(t.q.s.user) + "</D:href>", http.StatusOK
	},
	"principal-collection-set": func(*propertyReader) (string, int) {
		return "<D:href>/principals/</D:href>", http.StatusOK
	},
	"quota-available-bytes": func(t *propertyReader) (string, int) { return t.quota(true) },
	"quota-used-bytes":      func(t *propertyReader) (string, int) { return t.quota(false) },
}

// PropertyNames returns the local names of the access properties that a file has, sorted. Above the trees it leaves
// out those that need a file.
func (files) PropertyNames(name dav.Path) []string {
	if name == dav.Root {
		return []string{"current-user-principal", "current-user-privilege-set", "principal-collection-set"}
	}
	return slices.Sorted(maps.Keys(accessProperties))
}

// principalHref returns the URL path of the WebDAV principal that stands for a SID.
func principalHref(s sid.SID) string { return "/principals/sid/" + s.String() }

// descriptor returns the descriptor of the file. It returns nil if the client does not have READ_CONTROL or a call of
// refmond fails (G-9).
func (t *propertyReader) descriptor() *sd.Descriptor {
	d, st := t.q.readDescriptor(t.at, 0)
	if st != ntstatus.Success {
		return nil
	}
	return d
}

// principal returns the D:href of a file's owner or group with code 200. of selects the SID from the descriptor; a
// zero SID is "". The code is 403 if the client may not read the descriptor, and 404 for the root above the trees.
func (t *propertyReader) principal(of func(*sd.Descriptor) sid.SID) (string, int) {
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

// acl returns the value of D:acl with code 200: the DACL's entries in order. Inherit-only, object and system entries
// are left out. A missing DACL is one entry that grants everyone everything. An empty DACL is "". The code is 403 if
// the client may not read the descriptor, and 404 for the root above the trees.
func (t *propertyReader) acl() (string, int) {
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

// ownPrivileges returns the privileges that the client has on the file, always with code 200. If the client cannot
// open the file, they are only D:read-current-user-privilege-set. The root above the trees has D:read alone.
func (t *propertyReader) ownPrivileges() (string, int) {
	if t.at.tree == "" {
		return "<D:privilege><D:read/></D:privilege>", http.StatusOK
	}
	var b strings.Builder
	h, st := t.q.open(t.at, winnt.MAXIMUM_ALLOWED, winnt.FILE_OPEN, 0)
	var granted winnt.AccessMask
	if st == ntstatus.Success {
		defer t.q.s.release(h)
		t.q.s.p.do(t.q.ctx, func(th *nt.Thread) ntstatus.Status {
			v, st := th.NtQueryInformationFile(h, nt.FileAccessInformation)
			if a, ok := v.(nt.AccessInformation); ok {
				granted = a.AccessFlags
			}
			return st
		})
	}
	inPrivileges(&b, granted, t.dir)
	b.WriteString("<D:privilege><D:read-current-user-privilege-set/></D:privilege>")
	return b.String(), http.StatusOK
}

// ace writes one access control entry as the D:ace element of RFC 3744. It writes nothing for inherit-only, object and
// system entries. A conditional entry has the privilege R:conditional alone. Each entry is marked protected.
func (t *propertyReader) ace(b *strings.Builder, e sd.ACE) {
	kind := "grant"
	switch e.Type() {
	case sd.AccessDenied, sd.AccessDeniedCallback:
		kind = "deny"
	case sd.AccessAllowed, sd.AccessAllowedCallback:
	default:
		return // object and system entries neither grant nor deny rights to a file
	}
	if e.Flags()&sd.InheritOnly != 0 {
		return
	}
	fmt.Fprintf(b, "<D:ace><D:principal>%s</D:principal><D:%s>", principalOf(e.SID()), kind)
	if e.Type() == sd.AccessAllowedCallback || e.Type() == sd.AccessDeniedCallback {
		// RFC 3744 cannot express conditions, so no privilege is shown.
		b.WriteString("<D:privilege><R:conditional/></D:privilege>")
	} else {
		inPrivileges(b, winnt.FileObject.Mapping.Map(e.Mask()), t.dir)
	}
	fmt.Fprintf(b, "</D:%s><D:protected/>", kind)
	if e.Flags()&sd.Inherited != 0 {
		dir, _ := t.at.above()
		fmt.Fprintf(b, "<D:inherited><D:href>%s</D:href></D:inherited>", text(dir.href(true)))
	}
	b.WriteString("</D:ace>")
}

// principalOf returns the principal of an RFC 3744 entry, as XML, for a SID. Everyone stays an href and does not become
// D:all, because Everyone may exclude Anonymous. Any other SID is an href.
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

// quota returns the volume's free or used bytes as a decimal number (RFC 4331). free selects the bytes that the
// client may still use. The code is 200. If the client cannot open the file or refmond reports no size, the result is
// "" and 404.
func (t *propertyReader) quota(free bool) (string, int) {
	h, st := t.q.open(t.at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return "", http.StatusNotFound
	}
	defer t.q.s.release(h)
	var full nt.FsFullSizeInformation
	st = t.q.s.p.do(t.q.ctx, func(th *nt.Thread) ntstatus.Status {
		v, st := th.NtQueryVolumeInformationFile(h, nt.FileFsFullSizeInformation)
		full, _ = v.(nt.FsFullSizeInformation)
		return st
	})
	if st != ntstatus.Success {
		return "", http.StatusNotFound
	}
	unit := int64(full.SectorsPerAllocationUnit) * int64(full.BytesPerSector)
	n := full.CallerAvailableAllocationUnits
	if !free {
		n = full.TotalAllocationUnits - full.ActualAvailableAllocationUnits
	}
	return strconv.FormatInt(n*unit, 10), http.StatusOK
}

// text returns s escaped for XML.
func text(s string) string {
	var b strings.Builder
	escape(&b, s)
	return b.String()
}

// escape writes s, as XML text, to b.
func escape(b *strings.Builder, text string) {
	_ = xml.EscapeText(b, []byte(text)) // a Builder never fails
}

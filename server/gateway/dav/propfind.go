package dav

import (
	"bufio"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// propfind serves PROPFIND: it responds with the properties of the resource and, at depth 1, its members. The status
// is 207. A folder that the user may not list has no members. For a file each depth is 0. propfind checks body, Depth
// and resource in this order:
//   - Depth other than 0, 1, "1,noroot" and infinity: 400
//   - a folder with Depth missing or infinite: 403
//   - more than MostListed members: 507
func (x *exchange) propfind() error {
	body, err := x.body()
	if err != nil {
		return err
	}
	want, err := readPropfind(body)
	if err != nil {
		return err
	}
	// Literal text in a grammar has no case (RFC 5234, 2.3), so "Infinity" is the "infinity" of RFC 4918, 10.2.
	depth := strings.ToLower(x.r.Header.Get("Depth"))
	switch depth {
	case "", "0", "1", "1,noroot", "infinity":
	default:
		return Refuse(http.StatusBadRequest, "the header Depth must be 0 or 1")
	}
	i, err := x.stat()
	if err != nil {
		return err
	}
	if i.Folder && (depth == "" || depth == "infinity") {
		// "Servers MAY reject PROPFIND requests on collections with depth header of value 'Infinity', in which case they
		// SHOULD use this error with the precondition code 'propfind-finite-depth'" (RFC 4918, 9.1.1; G-20).
		return &refusal{code: http.StatusForbidden, xml: "<D:propfind-finite-depth/>"}
	}
	var members []Info
	if i.Folder && depth != "0" {
		var more bool
		members, more, err = x.files.List(x.name, x.MostListed)
		defer x.files.Forget(members)
		switch {
		case more:
			return Refuse(http.StatusInsufficientStorage, "the folder has too many members to list")
		// A folder that the user may not list has no members for the user.
		case err != nil && codeOf(err) != http.StatusForbidden && codeOf(err) != http.StatusNotFound:
			return err
		}
	}
	x.list(&lister{x: x, want: &want, now: x.now()}, &i, members, depth == "1,noroot")
	return nil
}

// list writes the 207 response of a PROPFIND: the resource, unless noroot is set, and its members. It stops early if
// the client disconnects. A folder's URL ends in a slash.
func (x *exchange) list(l *lister, i *Info, members []Info, noroot bool) {
	x.w.Header().Set("Content-Type", xmlType)
	x.w.Header().Set("Cache-Control", "no-store")
	x.w.WriteHeader(http.StatusMultiStatus)
	out := bufio.NewWriterSize(x.w, 32<<10)
	defer func() { _ = out.Flush() }() // an error means that the client has disconnected
	_, _ = out.WriteString(xmlHeader + `<D:multistatus xmlns:D="DAV:"` + x.Namespaces + ">\n")
	if !noroot {
		_, _ = out.Write(l.response(x.name, x.name.Href(i.Folder), i))
	}
	folder := x.name.Href(true)
	for k := range members {
		if x.ctx.Err() != nil {
			return
		}
		href := folder + url.PathEscape(members[k].Name)
		if members[k].Folder {
			href += "/"
		}
		_, _ = out.Write(l.response(x.name.Join(members[k].Name), href, &members[k]))
	}
	_, _ = out.WriteString("</D:multistatus>\n")
}

// lister formats the resources of a PROPFIND response. One request owns it.
type lister struct {
	x    *exchange
	want *wanted
	now  time.Time
	buf  []byte
	// by has the properties of the current resource, grouped by status. The next resource reuses its memory.
	by []statuses
}

// statuses collects the properties of a resource that have the same HTTP status, as XML.
type statuses struct {
	code  int
	props []byte
}

// live are the properties that the engine computes, in their order. allprop returns all of them (RFC 4918, 15).
var live = []struct {
	local    string
	fileOnly bool
}{{"resourcetype", false}, {"displayname", false}, {"getcontentlength", true}, {"getcontenttype", true},
	{"getetag", true}, {"getlastmodified", false}, {"creationdate", false}, {"supportedlock", false},
	{"lockdiscovery", false}}

// response returns the response element of one resource, with its properties grouped by status. The result is valid
// until the next call. A resource without any of the properties has an empty propstat.
func (l *lister) response(name Path, href string, i *Info) []byte {
	for k := range l.by {
		l.by[k].props = l.by[k].props[:0]
	}
	dead := l.x.files.Properties(name)
	for _, n := range l.want.props {
		l.add(name, i, n, dead)
	}
	if l.want.all || l.want.names {
		for _, p := range live {
			n := Name{Space: davSpace, Local: p.local}
			if (!p.fileOnly || !i.Folder) && !slices.Contains(l.want.props, n) {
				l.add(name, i, n, nil)
			}
		}
		for n := range dead {
			if !slices.Contains(l.want.props, n) {
				l.add(name, i, n, dead)
			}
		}
	}
	if l.want.names { // "the names of all the properties defined on the resource" (RFC 4918, 9.1)
		s := l.status(http.StatusOK)
		for _, local := range l.x.files.PropertyNames(name) {
			s.props = appendProperty(s.props, Name{Space: davSpace, Local: local}, "", "")
		}
	}
	b := append(l.buf[:0], "<D:response><D:href>"...)
	b = append(append(b, text(href)...), "</D:href>"...)
	some := false
	slices.SortFunc(l.by, func(a, b statuses) int { return a.code - b.code })
	for _, s := range l.by {
		if len(s.props) > 0 {
			some = true
			b = append(append(append(b, "<D:propstat><D:prop>"...), s.props...), "</D:prop><D:status>HTTP/1.1 "...)
			b = append(strconv.AppendInt(b, int64(s.code), 10), ' ')
			b = append(append(b, http.StatusText(s.code)...), "</D:status></D:propstat>"...)
		}
	}
	if !some {
		b = append(b, "<D:propstat><D:prop/><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"...)
	}
	l.buf = append(b, "</D:response>\n"...)
	return l.buf
}

// add appends property n of a resource to the group of properties with its status. dead has the properties that
// clients set. Live properties are computed. Any other DAV: property comes from the file system, and an unknown
// property is 404. If the status is not 200, or the request wants names, add appends only the name.
func (l *lister) add(name Path, i *Info, n Name, dead map[Name]Property) {
	p, isDead := dead[n]
	code := http.StatusOK
	switch {
	case isDead:
	case n.Space != davSpace:
		code = http.StatusNotFound
	case isLive(n.Local, i.Folder):
	default:
		p.Value, code = l.x.files.Property(name, i, n.Local)
	}
	s := l.status(code)
	switch {
	case code != http.StatusOK || l.want.names:
		s.props = appendProperty(s.props, n, "", "")
	case n.Space == davSpace && !isDead && p.Value == "" && isLive(n.Local, i.Folder):
		s.props = append(append(append(s.props, "<D:"...), n.Local...), '>')
		s.props = l.value(s.props, name, i, n.Local)
		s.props = append(append(append(s.props, "</D:"...), n.Local...), '>')
	default:
		s.props = appendProperty(s.props, n, p.Value, p.Lang)
	}
}

// isLive reports whether a DAV: property is a live one, whose value the engine computes, of a file or, if folder is
// set, of a folder.
func isLive(local string, folder bool) bool {
	for k := range live {
		if live[k].local == local {
			return !live[k].fileOnly || !folder
		}
	}
	return false
}

// status returns the group of properties with this status and creates it if needed. The pointer is valid until the
// next call.
func (l *lister) status(code int) *statuses {
	for k := range l.by {
		if l.by[k].code == code {
			return &l.by[k]
		}
	}
	l.by = append(l.by, statuses{code: code})
	return &l.by[len(l.by)-1]
}

// lockable is the value of supportedlock.
const lockable = "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>" +
	"</D:lockentry><D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"

// value appends the escaped XML value of a live property to b. value appends nothing for the resourcetype of a file,
// lockdiscovery without locks, and an unknown name. creationdate has the format of RFC 3339, getlastmodified that of
// HTTP.
func (l *lister) value(b []byte, name Path, i *Info, local string) []byte {
	switch local {
	case "resourcetype":
		if i.Folder {
			return append(b, "<D:collection/>"...)
		}
	case "displayname":
		return append(b, text(i.Name)...)
	case "getcontentlength":
		return strconv.AppendInt(b, i.Size, 10)
	case "getcontenttype":
		return append(b, text(i.Type)...)
	case "getetag":
		return append(b, text(i.Tag)...)
	case "getlastmodified":
		return i.Modified.AppendFormat(b, http.TimeFormat)
	case "creationdate":
		return i.Created.AppendFormat(b, time.RFC3339)
	case "supportedlock":
		return append(b, lockable...)
	case "lockdiscovery":
		for _, k := range l.x.Locks.covering(name) {
			b = l.x.appendLock(b, &k, l.now)
		}
	}
	return b
}

// appendProperty appends the element of a property to b. value is XML and is not escaped; lang is its xml:lang, ""
// for none.
func appendProperty(b []byte, n Name, value, lang string) []byte {
	tag, space := "D:"+n.Local, ""
	if n.Space != davSpace {
		tag, space = n.Local, ` xmlns="`+text(n.Space)+`"`
	}
	b = append(append(append(b, '<'), tag...), space...)
	if lang != "" {
		b = append(append(append(b, ` xml:lang="`...), text(lang)...), '"')
	}
	b = append(append(append(b, '>'), value...), "</"...)
	return append(append(b, tag...), '>')
}

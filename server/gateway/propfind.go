package gateway

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/refmon/refmon/ntstatus"
)

// propfind tells properties of a file, or of a directory and what is in it.
func (q *request) propfind(w http.ResponseWriter, r *http.Request) {
	body, ok := readXML(w, r)
	if !ok {
		return
	}
	want, err := readPropfind(body)
	if err != nil {
		plain(w, http.StatusBadRequest, err.Error())
		return
	}
	depth := r.Header.Get("Depth")
	switch depth {
	case "0", "1", "1,noroot":
	case "", "infinity":
		// A tree has millions of files: a client asks for one directory after the other (G-20).
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(xml.Header + `<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>` + "\n"))
		return
	default:
		plain(w, http.StatusBadRequest, "the depth is 0 or 1")
		return
	}
	f, refused := q.stat(q.at)
	if refused != nil {
		refused.write(w, r)
		return
	}
	members, refused := q.members(f, depth)
	if refused != nil {
		refused.write(w, r)
		return
	}
	q.tellAll(w, &want, f, members, depth == "1,noroot")
}

// members returns what is in a directory, as far as the depth asks for it. A directory
// that the client may not list has no members for it.
func (q *request) members(f facts, depth string) ([]facts, *refusal) {
	switch {
	case !f.dir || depth == "0":
		return nil, nil
	case q.at.tree == "":
		return q.roots(), nil
	}
	h, refused := q.openToList(q.at)
	if refused != nil {
		return nil, nil
	}
	defer q.s.p.release(h)
	list, more, refused := q.list(q.at, h, q.g.most)
	if more {
		return nil, &refusal{code: http.StatusInsufficientStorage, status: ntstatus.InsufficientResources, at: q.at}
	}
	return list, refused
}

// tellAll writes the answer of a PROPFIND.
func (q *request) tellAll(w http.ResponseWriter, want *asked, f facts, members []facts, noroot bool) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusMultiStatus)
	out := bufio.NewWriterSize(w, 32<<10)
	defer func() { _ = out.Flush() }() // a client that left is told nothing more
	out.WriteString(xml.Header + `<D:multistatus xmlns:D="DAV:" xmlns:R="` + rightsSpace + `">` + "\n")
	locks := q.g.locks.active()
	if !noroot {
		q.tell(out, want, q.at, f, locks)
	}
	for _, m := range members {
		if q.ctx.Err() != nil {
			return
		}
		at := place{tree: m.name}
		if q.at.tree != "" {
			at = q.at.below(m.name)
		}
		q.tell(out, want, at, m, locks)
	}
	out.WriteString("</D:multistatus>\n")
}

// tell writes the properties of one file.
func (q *request) tell(out *bufio.Writer, want *asked, at place, f facts, locks map[string][]activeLock) {
	t := teller{q: q, at: at, f: f, locks: locks[at.href(false)]}
	names := want.props
	dead, _ := described{q, at}.DeadProps()
	if want.all || want.names {
		names = slices.Clone(names)
		for _, l := range live {
			if l.common && (!f.dir || !l.fileOnly) {
				names = append(names, xml.Name{Space: davSpace, Local: l.name})
			}
		}
		for name := range dead {
			names = append(names, name)
		}
	}
	var b strings.Builder
	b.WriteString("<D:response><D:href>")
	escape(&b, at.href(f.dir))
	b.WriteString("</D:href>")
	by := map[int]*strings.Builder{}
	var codes []int
	for _, name := range names {
		value, code := "", http.StatusOK
		if p, ok := dead[name]; ok {
			value = string(p.InnerXML)
		} else {
			value, code = t.value(name)
		}
		if want.names && code == http.StatusOK {
			value = ""
		}
		if by[code] == nil {
			by[code] = &strings.Builder{}
			codes = append(codes, code)
		}
		element(by[code], name, value, code == http.StatusOK)
	}
	slices.Sort(codes)
	if len(codes) == 0 {
		b.WriteString("<D:propstat><D:prop/><D:status>HTTP/1.1 200 OK</D:status></D:propstat>")
	}
	for _, code := range codes {
		fmt.Fprintf(&b, "<D:propstat><D:prop>%s</D:prop><D:status>HTTP/1.1 %d %s</D:status></D:propstat>", by[code], code,
			http.StatusText(code))
	}
	b.WriteString("</D:response>\n")
	out.WriteString(b.String())
}

// element writes a property with its value, which is XML already.
func element(b *strings.Builder, name xml.Name, value string, has bool) {
	if !has {
		value = ""
	}
	if name.Space == davSpace {
		fmt.Fprintf(b, "<D:%s>%s</D:%s>", name.Local, value, name.Local)
		return
	}
	fmt.Fprintf(b, "<%s xmlns=%s>%s</%s>", name.Local, quoted(name.Space), value, name.Local)
}

// quoted returns text as the value of an attribute.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	escape(&b, text)
	b.WriteByte('"')
	return b.String()
}

package gateway

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/sid"
)

// style is the style sheet of every page.
//
//go:embed page.css
var style string

//go:embed page.html
var pageText string

// pageFuncs are the functions of the templates. A name that a user chose goes through line, so that a control of the
// text's direction cannot disguise it.
var pageFuncs = template.FuncMap{"join": strings.Join, "line": printable.Line}

var pageTemplate = template.Must(template.New("page").Funcs(pageFuncs).Parse(pageText))

// pagePolicy allows the gateway's own pages their style sheet and nothing else.
var pagePolicy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; frame-ancestors 'none'; base-uri 'none'; "+
	"form-action 'self'", styleHash())

// styleHash returns the base64 SHA-256 of style, by which a Content-Security-Policy allows the page's style sheet.
func styleHash() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// line is an entry of a directory page.
type line struct{ Name, Href, Size, Written string }

// crumb is a link to a parent directory.
type crumb struct{ Name, Href string }

// page writes the HTML page of the directory q.at with the entries in list. If more is set, the page says that
// entries are missing. For HEAD it writes the headers alone.
func (q *request) page(w http.ResponseWriter, r *http.Request, list []facts, more bool) {
	data := struct {
		Style  template.CSS
		Name   string
		User   string
		Crumbs []crumb
		Lines  []line
		More   bool
	}{Style: template.CSS(style), Name: "trees", User: q.user(), More: more} //nolint:gosec // embedded style sheet
	if q.at.tree != "" {
		data.Crumbs, data.Name = q.crumbs()
	}
	for _, f := range list {
		at := place{tree: f.name}
		if q.at.tree != "" {
			at = q.at.below(f.name)
		}
		l := line{Name: f.name, Href: at.href(f.dir), Written: filetime.Time(f.written).Format("2006-01-02 15:04")}
		if f.dir {
			l.Name += "/"
		} else {
			l.Size = size(f.size)
		}
		data.Lines = append(data.Lines, l)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Method == http.MethodHead {
		return
	}
	_ = pageTemplate.Execute(w, data) // ignore a client that has disconnected
}

// user returns the client's display name, which is never empty: the name that the client logged on with, else the
// name of its SID, else the SID.
func (q *request) user() string {
	name := q.s.name
	if name == "" {
		name = q.names([]sid.SID{q.s.user})[0]
	}
	if name == "" {
		name = q.s.user.String()
	}
	return name
}

// crumbs returns the breadcrumb links of a directory page: to the directories above q.at, starting with the list of
// trees. name is the name of q.at itself. q.at must be in a tree.
func (q *request) crumbs() (list []crumb, name string) {
	list = []crumb{{"trees", "/"}}
	at := place{tree: q.at.tree}
	name = q.at.tree
	if q.at.path == "" {
		return list, name
	}
	for part := range strings.SplitSeq(q.at.path, `\`) {
		list = append(list, crumb{name, at.href(true)})
		at, name = at.below(part), part
	}
	return list, name
}

// size formats a number of bytes in binary units, with one decimal below 100, such as "1.5 KiB" and "512 B". A
// negative number stays in bytes.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	if i == 0 || f >= 100 {
		return fmt.Sprintf("%.0f %s", f, units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

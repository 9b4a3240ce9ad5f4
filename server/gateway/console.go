package gateway

import (
	_ "embed"
	"html/template"
	"net/http"
	"time"
)

//go:embed console.html
var consoleText string

var consoleTemplate = template.Must(template.New("console").Funcs(pageFuncs).Parse(consoleText))

// consolePage is one page of the console. gather collects its data with the rights of the client.
type consolePage struct {
	path, title string
	live        bool // reloaded every five seconds
	gather      func(*request, *http.Request) any
}

// consolePages lists all pages of the console. They are read-only.
var consolePages = []consolePage{
	{"/", "Sessions", false, (*request).sessionsPage},
	{"/token", "Token", false, (*request).tokenPage},
	{"/tree", "Tree", false, (*request).treePage},
	{"/why", "Why", false, (*request).whyPage},
	{"/trail", "Trail", true, (*request).trailPage},
}

// consoleRows returns the endpoints of the console: GET and HEAD of each page. They share the user's rate with
// the API, because a page makes the same queries (G-27).
func consoleRows(g *Gateway) (rows []row) {
	for _, p := range consolePages {
		serve := limitRate(g, func(w http.ResponseWriter, r *http.Request, s *session) {
			showConsole(w, r, g.newRequest(r.Context(), s), p)
		})
		rows = append(rows, row{http.MethodGet, p.path, known, false, serve},
			row{http.MethodHead, p.path, known, false, serve})
	}
	return rows
}

// showConsole serves one page of the console as HTML with status 200. showConsole gathers the page's data with the
// client's rights; a failure appears on the page. HEAD gets only the headers. A client that has disconnected is
// ignored.
func showConsole(w http.ResponseWriter, r *http.Request, q *request, p consolePage) {
	data := struct {
		Style template.CSS
		Title string
		User  string
		Live  bool
		Now   string
		Pages []consolePage
		Data  any
	}{Style: template.CSS(style), Title: p.title, User: q.user(), Live: p.live, Pages: consolePages, //nolint:gosec // ours
		Now: q.g.cfg.Now().UTC().Format(time.TimeOnly), Data: p.gather(q, r)}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Method == http.MethodHead {
		return
	}
	_ = consoleTemplate.Execute(w, data) // ignore a client that has disconnected
}

// Path returns the URL path of the page, for the template.
func (p consolePage) Path() string { return p.path }

// Title returns the page's title, for the template.
func (p consolePage) Title() string { return p.title }

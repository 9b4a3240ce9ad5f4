package adreport

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"

	"github.com/refmon/refmon/internal/printable"
)

//go:embed page.html
var pageFile embed.FS

//go:embed page.js
var pageScript string

// htmlPage is the template of the page.
var htmlPage = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"steps": steps, "plural": plural,
}).ParseFS(pageFile, "page.html"))

// HTML writes the page as one self-contained file that needs no network. If the page cannot be built, it writes
// nothing. An error of out can leave a part of it.
func (p *Page) HTML(out io.Writer) error {
	sum := sha256.Sum256([]byte(pageScript))
	data := struct {
		*Page
		Script     template.JS
		ScriptHash string // the page's Content-Security-Policy allows only this script
		Terms      []term
	}{p, template.JS(pageScript), "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), terms}
	var text bytes.Buffer
	if err := htmlPage.Execute(&text, data); err != nil {
		return err
	}
	_, err := io.WriteString(out, printable.Text(text.String()))
	return err
}

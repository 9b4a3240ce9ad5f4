package trail

import (
	_ "embed" // the page
	"html/template"
	"io"
)

//go:embed report.html
var reportPage string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"time": moment,
	"share": func(n, all uint64) uint64 {
		if all == 0 {
			return 0
		}
		return max(1, n*100/all)
	},
	"top": func(rows []Row) uint64 {
		if len(rows) == 0 {
			return 0
		}
		return rows[0].Count
	},
}).Parse(reportPage))

// A Report holds the data of an HTML page.
type Report struct {
	*Summary
	Dir      string
	Verified string // the result of a verification, or its error
	Intact   bool
}

// Write writes the page as one self-contained HTML file without scripts. Summary must not be nil. After an error the
// output is incomplete.
func (r *Report) Write(w io.Writer) error { return reportTemplate.Execute(w, r) }

package replay

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/refmon/refmon/docs"
)

// Notes holds the documented remarks about differences, by rule. The zero value has none.
type Notes struct {
	Caveats map[string]string // the situation of a row of docs/CAVEATS.md
	Absent  map[string]bool   // such a row says that something is not built, or not reproduced
	Decided map[string]string // what refmon decided where documents are silent, and why
}

var (
	// ruleID matches the ids of rules that a program of refmon run can exercise, without those of directories and
	// servers. Ids of cases have two letters and do not match.
	ruleID  = regexp.MustCompile(`\b[AFILOPQSTU]-[0-9]+[a-z]?\b`)
	theRule = regexp.MustCompile(`^- \*\*([A-Z]-[0-9]+[a-z]?)\*\* (.*)$`)
	ourOwn  = regexp.MustCompile(`(?i)\*Source: [^*]*\b(own choice|project decision|decided)\b[^*]*\*`)
)

// Choices returns the choices in the section Choices of a text like docs/CAVEATS.md. The keys are rule ids. If two
// rows have the same id, the later row wins. It returns an empty map for a text without that section.
func Choices(caveats string) map[string]string {
	choices, in := map[string]string{}, false
	for _, line := range strings.Split(caveats, "\n") {
		if strings.HasPrefix(line, "#") {
			in = strings.Trim(line, "# ") == "Choices"
		}
		cells := strings.Split(line, "|")
		if !in || len(cells) < 4 {
			continue
		}
		for _, id := range ruleID.FindAllString(cells[1], -1) {
			choices[id] = strings.TrimSpace(cells[2])
		}
	}
	return choices
}

// ReadNotes returns the notes in the documents that this program embeds. It fails if they have no caveat or no
// decision. A caveat that is listed twice keeps its last text, and its decision takes precedence over that in the
// rules.
func ReadNotes() (n Notes, err error) {
	n = Notes{map[string]string{}, map[string]bool{}, map[string]string{}}
	section := ""
	for _, line := range strings.Split(docs.Caveats, "\n") {
		if strings.HasPrefix(line, "#") {
			section = strings.Trim(line, "# ")
		}
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, id := range ruleID.FindAllString(cells[1], -1) {
			n.Caveats[id] = strings.TrimSpace(cells[2])
			switch {
			case strings.HasPrefix(section, "Choices"):
				n.Decided[id] = strings.TrimSpace(cells[2])
			case strings.HasPrefix(section, "Rules that are not built"),
				strings.HasPrefix(section, "Recorded outcomes"):
				n.Absent[id] = true
			}
		}
	}
	err = fs.WalkDir(docs.Rules, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(docs.Rules, p)
		if err != nil {
			return err
		}
		for _, line := range strings.Split(string(b), "\n") {
			if m := theRule.FindStringSubmatch(line); m != nil && ourOwn.MatchString(line) && n.Decided[m[1]] == "" {
				n.Decided[m[1]], _, _ = strings.Cut(m[2], " *Source:")
			}
		}
		return nil
	})
	if err == nil && (len(n.Caveats) == 0 || len(n.Decided) == 0) {
		err = fmt.Errorf("docs/CAVEATS.md and docs/rules name no rule")
	}
	return n, err
}

package accounts

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
)

// headSize is how many bytes of a file tell its form.
const headSize = 64 << 10

// Form tells in which form a file is, for Read: pdbedit, passwd, wbinfo, ldif, csv or
// bloodhound; "" if the file does not tell, as a directory file does not.
func Form(file []byte) string {
	if bytes.HasPrefix(file, []byte("PK\x03\x04")) {
		return "bloodhound"
	}
	head := file[:min(len(file), headSize)&^1]
	if len(file) < headSize {
		head = file
	}
	text, err := plain(head)
	if err != nil {
		return ""
	}
	first := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' && !strings.HasPrefix(line, "#TYPE") && !strings.Contains(line, "wbinfo") {
			continue
		}
		first = line
		break
	}
	if first == "" {
		return ""
	}
	return formOf(first, text)
}

// formOf tells the form by the first line that is no comment.
func formOf(first, text string) string {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	_, call := wbinfoCall(first)
	switch {
	case trimmed[0] == '{':
		if collectors(trimmed) {
			return "bloodhound"
		}
	case strings.HasPrefix(first, "#TYPE"):
		return "csv"
	case call:
		return "wbinfo"
	case strings.HasPrefix(first, "dn:") || first == "version: 1":
		return "ldif"
	case strings.HasPrefix(first, "Unix username:") || strings.Trim(first, "-") == "" && len(first) > 3 &&
		strings.Contains(text, "\nUnix username:"):
		return "pdbedit"
	case new(List).passwdLine(first):
		return "passwd"
	}
	r := csv.NewReader(strings.NewReader(first))
	r.Comma = delimiter(first)
	columns, err := r.Read()
	have := map[string]bool{}
	for _, c := range columns {
		have[strings.ToLower(strings.TrimSpace(c))] = true
	}
	if err == nil && isCSV(have) {
		return "csv"
	}
	return ""
}

// collectors reports whether the first key of an object is one of BloodHound's files.
func collectors(text string) bool {
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		return false
	}
	key, err := d.Token()
	return err == nil && (key == "data" || key == "meta")
}

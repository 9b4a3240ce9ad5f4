package source

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"

	"github.com/refmon/refmon/internal/directory/collect"
	adcsv "github.com/refmon/refmon/internal/directory/csv"
	"github.com/refmon/refmon/internal/directory/passwd"
	"github.com/refmon/refmon/internal/directory/wbinfo"
)

// headSize is the number of bytes of a file that Form reads.
const headSize = 64 << 10

// Form detects the form of a file for Read: pdbedit, passwd, wbinfo, ldif, csv or bloodhound. It returns "" if the
// beginning matches none, for example for a directory file. A zip file is bloodhound. It looks at the first headSize
// bytes only. Text that cannot be decoded gives "".
func Form(file []byte) string {
	if bytes.HasPrefix(file, []byte("PK\x03\x04")) {
		return "bloodhound"
	}
	head := file[:min(len(file), headSize)&^1]
	if len(file) < headSize {
		head = file
	}
	text, err := decodeText(head)
	if err != nil {
		return ""
	}
	first, comment := "", false
	for line := range strings.Lines(text) {
		if comment && line[0] == ' ' { // LDIF folds comments, too (RFC 2849, note 2)
			continue
		}
		line = strings.TrimSpace(line)
		comment = strings.HasPrefix(line, "#")
		if line == "" || comment && !strings.HasPrefix(line, "#TYPE") && !strings.Contains(line, "wbinfo") {
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

// formOf returns the form of a text whose first line without a comment is first, or "" for an unknown one. It panics
// for a text of white space only. Letters of column names match in any case.
func formOf(first, text string) string {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	_, call := wbinfo.ParseCall(first)
	switch {
	case trimmed[0] == '{':
		if isCollectorFile(trimmed) {
			return "bloodhound"
		}
	case strings.HasPrefix(first, "#TYPE"):
		return "csv"
	case call:
		return "wbinfo"
	case isLDIF(strings.ToLower(first)):
		return "ldif"
	case strings.HasPrefix(first, "Unix username:") || strings.Trim(first, "-") == "" && len(first) > 3 &&
		strings.Contains(text, "\nUnix username:"):
		return "pdbedit"
	case passwd.AddLine(new(collect.Collector), first):
		return "passwd"
	}
	r := csv.NewReader(strings.NewReader(first))
	r.Comma = adcsv.Delimiter(first)
	columns, err := r.Read()
	have := map[string]bool{}
	for _, c := range columns {
		have[strings.ToLower(strings.TrimSpace(c))] = true
	}
	if err == nil && adcsv.IsCSV(have) {
		return "csv"
	}
	return ""
}

// isLDIF reports whether a line in lower case can be the first one of LDIF: a distinguished name or the version 1.
func isLDIF(line string) bool {
	version, is := strings.CutPrefix(line, "version:")
	return is && strings.TrimLeft(version, " ") == "1" || strings.HasPrefix(line, "dn:")
}

// isCollectorFile reports whether the first key of a JSON object is one that BloodHound's files have. Malformed JSON
// and an empty object return false.
func isCollectorFile(text string) bool {
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		return false
	}
	key, err := d.Token()
	return err == nil && (key == "data" || key == "meta")
}

package people

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// csvHead is the columns of a directory as CSV, or nil where the file is not
// one: its first line must name the columns name and sid.
func csvHead(file []byte) []string {
	line, _, _ := bytes.Cut(file, []byte("\n"))
	head, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return nil
	}
	found := 0
	for i, h := range head {
		head[i] = strings.TrimSpace(h)
		if strings.EqualFold(head[i], "name") || strings.EqualFold(head[i], "sid") {
			found++
		}
	}
	if found != 2 {
		return nil
	}
	return head
}

// readCSV reads a directory with a row for each account. Columns: name, sid,
// kind (user, group or domain; user where it is empty), memberOf and claims.NAME
// (values separated by semicolons), claims.NAME:int64 or :boolean, disabled.
func readCSV(file []byte, head []string, f *directoryFile) error {
	r := csv.NewReader(bytes.NewReader(file))
	for first := true; ; first = false {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case first:
			continue
		}
		if err := f.addRow(head, row); err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func (f *directoryFile) addRow(head, row []string) error {
	var u userFile
	claims, kind := map[string]any{}, "user"
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		column := strings.ToLower(head[i])
		if column == "name" {
			u.Name = cell
			continue
		}
		if cell == "" {
			continue
		}
		var err error
		switch {
		case column == "sid":
			u.SID = cell
		case column == "kind":
			kind = strings.ToLower(cell)
		case column == "memberof":
			u.MemberOf = split(cell)
		case column == "disabled":
			u.Disabled, err = strconv.ParseBool(strings.ToLower(cell))
		case strings.HasPrefix(column, "claims.") && len(column) > len("claims."):
			name, typ, _ := strings.Cut(head[i][len("claims."):], ":")
			claims[name], err = csvClaim(split(cell), typ)
		default:
			err = errors.New("no such column: there are kind, name, sid, memberOf, disabled and claims.NAME")
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", head[i], err)
		}
	}
	if len(claims) > 0 {
		u.Claims = claims
	}
	switch kind {
	case "user":
		f.Users = append(f.Users, u)
	case "group", "domain":
		if u.Claims != nil || u.Disabled || kind == "domain" && (u.MemberOf != nil || f.Domain != "") {
			return fmt.Errorf("a %s has a name and a SID, a group memberOf too; only users have claims or can be disabled, and there is one domain", kind)
		}
		if kind == "domain" {
			f.Domain = u.SID
			return nil
		}
		f.Groups = append(f.Groups, groupFile{u.Name, u.SID, u.MemberOf})
	default:
		return fmt.Errorf("kind %q: want user, group or domain", kind)
	}
	return nil
}

// split takes a list in a cell apart.
func split(cell string) (list []string) {
	for v := range strings.SplitSeq(cell, ";") {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	return list
}

// csvClaim gives text the type that its column names.
func csvClaim(values []string, typ string) (any, error) {
	list := make([]any, 0, len(values))
	for _, v := range values {
		switch strings.ToLower(typ) {
		case "", "string":
			list = append(list, v)
		case "int64":
			if _, err := strconv.ParseInt(v, 10, 64); err != nil {
				return nil, fmt.Errorf("%q is no whole number of 64 bits", v)
			}
			list = append(list, json.Number(v))
		case "boolean":
			b, err := strconv.ParseBool(strings.ToLower(v))
			if err != nil {
				return nil, fmt.Errorf("%q is neither true nor false", v)
			}
			list = append(list, b)
		default:
			return nil, fmt.Errorf("type %q: want string, int64 or boolean", typ)
		}
	}
	return list, nil
}

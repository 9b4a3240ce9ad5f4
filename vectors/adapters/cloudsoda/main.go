// Command cloudsoda asks github.com/cloudsoda/sddl the questions of refmon-kit (docs/kit.md). The library reads and
// writes texts and bytes; it has no other operation, and no domain for aliases such as DA.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"

	"github.com/cloudsoda/sddl"
)

// maxLine is the longest line that the kit sends, with some room.
const maxLine = 1 << 20

// domainAlias finds aliases that stand for a SID of a domain, such as DA.
var domainAlias = regexp.MustCompile(`(?i)[:;](AP|CA|CN|DA|DC|DD|DG|DU|EA|EK|KA|LA|LG|PA|RO|RS|SA)([);GDS]|$)`)

// newer finds entries of types that the library does not parse. Refusing such a text is "unsupported".
var newer = regexp.MustCompile(`(?i)\((XA|XD|XU|ZA|RA|SP);`)

// question is a line of the kit. In has the fields of the three operations that the library can answer.
type question struct {
	ID, Op string
	In     struct{ SDDL, Hex string }
}

// reply is the answer to a question. Only one of Out, Unsupported and Error is set.
type reply struct {
	ID          string            `json:"id"`
	Out         map[string]string `json:"out,omitempty"`
	Unsupported string            `json:"unsupported,omitempty"`
	Error       string            `json:"error,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cloudsoda:", err)
		os.Exit(1)
	}
}

// run answers each line of standard input. It fails if a line is not a question, or on an error of reading or writing.
func run() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, maxLine)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			return err
		}
		if err := out.Encode(answer(&q)); err != nil {
			return err
		}
	}
	return in.Err()
}

// answer calls the library. A panic of the library is a mistake of its own, so the answer is an error that is never
// right.
func answer(q *question) (r reply) {
	r.ID = q.ID
	defer func() {
		if p := recover(); p != nil {
			r = reply{ID: q.ID, Error: fmt.Sprintf("other: panic: %v", p)}
		}
	}()
	read := func(b []byte, err error) (*sddl.SecurityDescriptor, error) {
		if err != nil {
			return nil, err
		}
		return sddl.FromBinary(b)
	}
	if q.Op == "parse_sddl" && domainAlias.MatchString(q.In.SDDL) {
		r.Unsupported = "no domain for aliases"
		return r
	}
	var d *sddl.SecurityDescriptor
	var err error
	switch q.Op {
	case "parse_sddl":
		d, err = sddl.FromString(q.In.SDDL)
	case "format_sddl", "read_descriptor":
		d, err = read(hex.DecodeString(q.In.Hex))
	default:
		r.Unsupported = "no operation " + q.Op
		return r
	}
	switch {
	case err != nil && q.Op == "parse_sddl" && newer.MatchString(q.In.SDDL):
		r.Unsupported = "no conditional entries, resource attributes and policies in texts"
	case err != nil:
		r.Error = "invalid: " + err.Error()
	case q.Op == "format_sddl":
		r.Out = map[string]string{"sddl": d.String()}
	default:
		r.Out = map[string]string{"hex": hex.EncodeToString(d.Binary())}
	}
	return r
}

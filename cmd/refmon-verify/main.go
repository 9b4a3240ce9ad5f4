// Command refmon-verify checks a certificate of refmon why --certificate, given only the descriptor's bytes and the
// token file. It decides the request again, writes its own certificate, and compares the two. It shares no code with
// refmon and links only the standard library, so that an auditor can read everything that must be trusted.
// docs/certificates.md describes the format.
//
//	refmon-verify CERTIFICATE DESCRIPTOR TOKEN
//
// It also checks a proof of refmon audit prove: that a log contains a record, or that it extends an older checkpoint.
//
//	refmon-verify audit KEY.pub PROOF [OLD-CHECKPOINT]
//
// DESCRIPTOR contains self-relative bytes, binary or in hexadecimal digits. The exit code is 0 if the certificate is
// true, 1 if it is false, altered or of another format, and 2 if a file cannot be read or the output was lost.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

func main() { os.Exit(run(os.Args[1:])) }

// run runs a command and returns the exit code. If the first argument is a verb, it runs the verb. Otherwise the
// arguments name three files to verify: 0 means verified, 1 refused, and 2 that the files cannot be read or that the
// output was lost.
func run(args []string) int {
	if len(args) > 0 && verbs[args[0]] != nil {
		return verbs[args[0]](args[1:])
	}
	files := readFiles(args, 3, 3)
	if files == nil {
		return 2
	}
	descriptor := files[1]
	if b, err := hex.DecodeString(strings.TrimSpace(descriptor)); err == nil {
		descriptor = string(b)
	}
	return sayVerdict(verify(files[0], descriptor, files[2]))
}

const form = "refmon access certificate 2"
const whole = "give the whole file as refmon writes it (why --certificate, token show --json)"

// otherForm finds the form of a certificate in its text.
var otherForm = regexp.MustCompile(`"certificate"\s*:\s*"(refmon access certificate [0-9]{1,9})"`)

// controls matches characters that end a line, control a terminal or reorder text.
var controls = regexp.MustCompile(`[\pC\p{Zl}\p{Zp}]`)

// verify computes a certificate's fields again from its inputs. A missing, additional or different field is an error.
// So is malformed input, for which the parsers panic; verify recovers the panic. After an error the outcome is "".
func verify(cert, descriptor, token string) (outcome string, err error) {
	defer func() {
		if p := recover(); p != nil {
			if failed, ok := p.(error); ok { // a runtime error, such as an index out of range
				err = fmt.Errorf("an input is malformed: %w", failed)
			} else {
				err = fmt.Errorf("%v", p) // check panics with a string
			}
		}
	}()
	if m := otherForm.FindStringSubmatch(cert); m != nil { // another form may have other fields, so do not parse it
		check(m[1] == form, "the form is %s, this program knows %s: use the release that wrote it", m[1], form)
	}
	c := parseObject("certificate", cert, certificateShape)
	check(c["certificate"] == form, "the form is %v, this program knows %s", c["certificate"], form)
	own := [2]string{hash(descriptor), hash(token)}
	for i, file := range [2]string{"descriptor", "token"} { // name the file that differs
		check(c[file] == own[i], "the %s is another file than the certificate's: its SHA-256 is %s, and the "+
			"certificate has %v", file, own[i], c[file])
	}
	want := decide(c, descriptor, token)
	want["descriptor"], want["token"] = own[0], own[1]
	want["digest"] = hash(dense(want))
	for key := range want {
		check(dense(c[key]) == dense(want[key]), "%s is %.200s, and the inputs give %.200s", key, dense(c[key]),
			dense(want[key]))
	}
	return fmt.Sprintf("%s granted %s in %d steps", want["status"], want["granted"], len(want["steps"].([]any))), nil
}

// lexeme matches a JSON token. Numbers are integers in canonical form.
var lexeme = regexp.MustCompile(`^(?:[ \t\r\n]+|[\[\]{}:,]|true|false|null|0|-?[1-9][0-9]{0,19}|"(?:[^"\\]|\\.)*")`)

// parseObject parses a canonical JSON object whose shape matches form. Only blanks and the order of keys may differ
// from the canonical text, so a repeated key is invalid. For any other text, parseObject panics as check does, with
// the file's name. More than 64 levels of nesting panic too.
func parseObject(name, text string, form *regexp.Regexp) (o map[string]any) {
	size, depth := 0, 0
	for rest, w := text, ""; rest != ""; rest = rest[len(w):] {
		w = lexeme.FindString(rest)
		check(w != "" && (w[0] != '"' || !strings.ContainsFunc(w, odd) || dense(unquote(w)) == w),
			"the %s, at byte %d: %s", name, len(text)-len(rest), whole)
		depth += strings.Count("[{", w) - strings.Count("]}", w)
		check(depth <= 64, "the %s: lists and objects nest deeper than 64", name)
		size += len(strings.Trim(w, " \t\r\n"))
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	check(dec.Decode(&o) == nil, "the %s: no JSON object: %s", name, whole)
	check(size == len(dense(o)), "the %s: a key is given twice", name)
	check(form.MatchString(shape(o)), "the %s: a field is missing, unknown, or of another type: the shape is %.500s",
		name, shape(o))
	return o
}

// odd reports whether a character of a JSON string is a backslash or not printable ASCII.
func odd(r rune) bool { return r == '\\' || r < ' ' || r > '~' }

// unquote returns the text of a JSON string. For malformed JSON the result differs from w.
func unquote(w string) (s string) {
	_ = json.Unmarshal([]byte(w), &s) // after an error s differs from w, which the caller notices
	return s
}

// dense returns JSON on one line without blanks, with sorted keys.
func dense(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	return strings.TrimSpace(must(&b, enc.Encode(v)).String())
}

// hash returns the SHA-256 of s in hexadecimal.
func hash(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// must returns v, and panics after an error.
func must[T any](v T, err error) T {
	check(err == nil, "%v", err)
	return v
}

// as converts v to T. It returns the zero value if v is absent or of another type.
func as[T any](v any) T {
	t, _ := v.(T)
	return t
}

// check panics with a formatted text unless ok is true. verify and verifyAudit recover the panic and return it as an
// error.
func check(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Sprintf(format, args...))
	}
}

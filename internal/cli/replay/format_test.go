package replay

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/test/check"
)

// A file that is not a recording is an error with its position.
func TestReadErrorsHavePositions(t *testing.T) {
	const head = `{"recording":1,"system":{"product":"","build":1,"revision":0,"architecture":""},"date":"",` +
		`"recorder":"","token":{},"tokens":"own"}` + "\n"
	const line = `{"case":"c","call":"x","status":"STATUS_SUCCESS"}` + "\n"
	for text, want := range map[string]string{
		"":                                     "empty",
		head + "\n":                            "line 2: it ends after the header",
		head + `{"end":0}`:                     "line 2: it ends after the header",
		"x":                                    "line 1",
		`{"recording":2}`:                      "format 2",
		head + `{"case":"a"}`:                  "line 2: malformed recording: want a case, and a program",
		head + `{"case":"a","call":"NtClose"}`: "want a case, and a program, a call with its status, or",
		head + `{"case":"a","status":"x"}`:     "want a case, and a program, a call with its status, or",
		head + strings.Replace(line, `"case":"c",`, "", 1): "want a case, and a program, a call with its status, or",
		head + `{"case":"a","skipped":"b","surprise":1}`:   "surprise",

		strings.Replace(head, `"date"`, `"Date"`, 1):                             "line 1: want a header",
		strings.Replace(head, `"recording":1`, `"recording":1,"recording":1`, 1): "recording: given twice",
		head + `{"case":"c","call":"x","status":"s","Status":"t"}`:               "line 2: ",
		head + line + line:                      `line 3: the recording is cut off, because {"end":2} does not follow`,
		head + line + `{"end":2}`:               "the recording had 2 lines after its header, and has 1",
		head + line + line + `{"end":1}`:        "the recording had 1 lines after its header, and has 2",
		head + line + `{"end":1,"x":0}`:         "line 3: ",
		head + strings.Repeat("x", maxLine):     "line 2: malformed recording: longer than 16777216 bytes",
		head + line + `{"end":1}` + "\n" + line: "it follows the last line",

		head + line[:len(line)-1] + line:                                   "something follows",
		head + `{"case":"c","call":"x","status":"y","out":{"a":1,"a":2}}`:  "out.a: given twice",
		head + `{"case":"c","in":` + strings.Repeat("[", 200_000):          "nested more than 64 deep",
		head + `{"case":"c","in":{"a":` + strings.Repeat(`{"a":`, 200_000): "nested more than 64 deep",
	} {
		_, err := Read(strings.NewReader(text))
		check.That(t, errors.Is(err, ErrMalformed) && strings.Contains(err.Error(), want),
			"%.200q: %v, want %q", text, err, want)
	}
	text := head + `{"case":"a","skipped":"b ü 𝄞"}` + "\n" + `{"end":1}`
	wide := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for _, file := range []string{text, "\xEF\xBB\xBF" + text, string(wide)} {
		rec := check.Must(Read(iotest.OneByteReader(strings.NewReader(file))))
		check.DeepEqual(t, rec.Lines, []Line{{Case: "a", Skipped: "b ü 𝄞"}}, "lines of %q", file[:9])
	}
	// The character after half of a surrogate pair is read, also if it is the other half of none or a line feed.
	halves := utf16.Encode([]rune(head + `{"case":"a","skipped":"1`))
	halves = append(halves, 0xD800, '2', 0xDC00, '3', 0xD800, 0xD834, 0xDD1E)
	halves = append(halves, utf16.Encode([]rune("\"}\n{\"end\":1}"))...)
	wide = wide[:2]
	for _, u := range halves {
		wide = append(wide, byte(u), byte(u>>8))
	}
	rec := check.Must(Read(bytes.NewReader(wide)))
	check.DeepEqual(t, rec.Lines, []Line{{Case: "a", Skipped: "1\ufffd2\ufffd3\ufffd𝄞"}}, "halves of surrogate pairs")
	// A recording in UTF-16 that ends within a character is cut off, also where its text seems whole.
	for _, cut := range []string{string(wide) + "\n", string(wide) + "\x34\xd8", string(wide) + "\x34\xd8\x1e",
		"\xff\xfe\x00"} {
		err := check.Err(Read(strings.NewReader(cut)))
		check.That(t, errors.Is(err, ErrMalformed) && strings.Contains(err.Error(), "within a UTF-16 character"),
			"a recording that ends in %q: %v, want an error that says so", cut[len(cut)-3:], err)
	}
}

// TestWriterKeepsCharacters checks that a recording is written in its format, whatever version the header has, and
// with its characters.
func TestWriterKeepsCharacters(t *testing.T) {
	h := header
	h.Recording, h.Recorder, h.System.Wine, h.Tokens = 7, "v<1>", "8.0", OwnToken
	var b bytes.Buffer
	w := check.Must(NewWriter(&b, h))
	for _, l := range []Line{{Case: "c", Program: "x", Prelude: "y"}, {Case: "c", Line: 1, Time: 2, Thread: "t", Call: "f",
		In: Fields{"a": "<&>"}, Status: "s", Out: Fields{"b": true}, Rules: []string{"A-1"}}, {Case: "d", Skipped: "e"}} {
		check.NoError(t, w.Write(l))
	}
	check.NoError(t, w.End())
	want := `{"recording":1,"system":{"product":"Windows 10.0 server","build":20348,"revision":1,"architecture":"amd64",` +
		`"wine":"8.0"},"date":"2026-01-02","recorder":"v<1>","token":{"user":"S-1-5-18"},"tokens":"own"}
{"case":"c","program":"x","prelude":"y"}
{"case":"c","line":1,"time":2,"thread":"t","call":"f","in":{"a":"<&>"},"status":"s","out":{"b":true},"rules":["A-1"]}
{"case":"d","skipped":"e"}
{"end":3}
`
	check.Equal(t, b.String(), want, "recording")
	list, err := Programs("a.txt", []byte("run\nx\n----\n----\nout\n----\n----\nrun\ny\n----\n\nrun\nz\n----\nout\n"))
	check.That(t, err == nil && len(list) == 3 && list[1].Source == "y" && list[1].Case == "a.txt:8" &&
		list[2].Source == "z", "cases = %+v, %v, want 3 with their sources", list, err)
	for _, open := range []string{"run\nx\n", "run\nx\n----", "run\nx\n----\n----", "run\nx\n----\n----\nout\n----",
		"run\nx\n----\nout"} { // a transcript that ends in the middle
		list, err := Programs("a.txt", []byte(open))
		check.That(t, err == nil && len(list) == 1 && strings.TrimSpace(list[0].Source) == "x",
			"%q: cases %+v, %v, want one", open, list, err)
	}
}

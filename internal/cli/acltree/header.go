package acltree

import (
	"encoding/base64"
	"unicode/utf8"
)

// Header says what a journal is about. All fields but Change are required.
type Header struct {
	Root    string `json:"root"`    // absolute path
	Keeper  string `json:"keeper"`  // [Keeper.Name]
	Command string `json:"command"` // the change, in the words of its user
	Change  string `json:"change"`  // identifies the change: equal changes have equal ones; "": of an earlier version
}

// Rest counts the files that a plan leaves as they are although its user meant them. A run that continues the journal
// reports them again.
type Rest struct {
	Failed    int    `json:"failed,omitempty"`    // could not be read or changed
	Kept      int    `json:"kept,omitempty"`      // still grant what the change revokes
	FirstKept string `json:"firstKept,omitempty"` // the path of the first of them, below the root
}

// inText returns a path as text, or in base64 if it is not UTF-8, which JSON would replace.
func inText(path string) (text, bytes *string) {
	if utf8.ValidString(path) {
		return &path, nil
	}
	path = base64.StdEncoding.EncodeToString([]byte(path))
	return nil, &path
}

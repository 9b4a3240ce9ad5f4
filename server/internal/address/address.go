// Package address prints addresses of servers for people.
package address

import "strings"

// WithoutUser returns an address such as ldaps://user:password@host without what is before the last @, so that an
// error can quote it. "…" takes its place. An address without @ is unchanged.
func WithoutUser(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "…" + text[at:]
	}
	return text
}

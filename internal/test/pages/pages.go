// Package pages tests that documents name tests that exist. It exports nothing.
package pages

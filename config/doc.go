// Package config reads beforehand.yaml, the file that says what a process
// serves: its sites, and what it needs besides.
//
// Everything has a default, so that no file is needed. A mistake is told with
// file, line, column, the line itself and what is allowed.
package config

// Package number writes numbers for people.
package number

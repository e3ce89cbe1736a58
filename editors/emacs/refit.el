;;; refit.el --- refit for Dockerfiles, through eglot  -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "28.1") (eglot "1.9"))
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Put this folder on the `load-path' and add to your init file:
;;
;;   (require 'refit)
;;   (refit-setup)
;;
;; See README.md beside this file for set-ups without it, and for apheleia.

;;; Code:

(require 'eglot)

(defgroup refit nil
  "Format Dockerfiles and make their images smaller."
  :group 'tools)

(defcustom refit-command '("refit" "lsp")
  "The command that starts the language server."
  :type '(repeat string))

(defcustom refit-format-on-save t
  "Whether a buffer is formatted when it is saved."
  :type 'boolean)

(defcustom refit-modes '(dockerfile-mode dockerfile-ts-mode)
  "The major modes of Dockerfiles."
  :type '(repeat symbol))

(defun refit-managed-p ()
  "Whether refit serves the current buffer."
  (and (bound-and-true-p eglot--managed-mode)
       (apply #'derived-mode-p refit-modes)
       (eglot-current-server)))

(defun refit-format-buffer ()
  "Format the current buffer with refit.
An error is shown and does not keep the buffer from being saved."
  (interactive)
  (when (refit-managed-p)
    (with-demoted-errors "refit: %S"
      (eglot-format-buffer))))

(defun refit-fix-all ()
  "Make all safe changes in the current buffer."
  (interactive)
  (when (refit-managed-p)
    (eglot-code-actions (point-min) (point-min) "source.fixAll.refit" t)))

(defun refit--before-save ()
  "Format the buffer if `refit-format-on-save' says so."
  (when refit-format-on-save
    (refit-format-buffer)))

(defun refit--managed ()
  "Set up a buffer that eglot has begun or ceased to manage."
  (if (refit-managed-p)
      (add-hook 'before-save-hook #'refit--before-save nil t)
    (remove-hook 'before-save-hook #'refit--before-save t)))

;;;###autoload
(defun refit-setup ()
  "Use refit in all Dockerfiles."
  (add-to-list 'eglot-server-programs (cons refit-modes refit-command))
  (add-hook 'eglot-managed-mode-hook #'refit--managed)
  (dolist (mode refit-modes)
    (add-hook (intern (format "%s-hook" mode)) #'eglot-ensure)))

(provide 'refit)
;;; refit.el ends here

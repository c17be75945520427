/** List the videos that this computer knows of, and what they cost. */
import type { Command } from 'commander';
import { z } from 'zod';
import { renderList } from '../report/render.ts';
import { listReport, listSchema } from '../report/report.ts';
